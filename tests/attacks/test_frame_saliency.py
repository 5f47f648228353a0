from typing import Any

import pytest
import torch
import torch.nn.functional as F
from art.attacks.evasion import FrameSaliencyAttack, ProjectedGradientDescent
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from advvid.attacks import FrameSaliency, frame_saliency, linf_pgd
from advvid.attacks.core.frame_ranking import frame_saliency_scores, rank_frames
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, LinearClipModel, random_clips, small_model

EPS, ALPHA, STEPS = 0.05, 0.012, 5


def case(count: int = 12, frames: int = 6) -> tuple[nn.Module, Tensor, Tensor]:
    """A linear model that needs a few frames, and labels that are right but for one clip."""
    model = LinearClipModel((3, frames, 8, 8), CLASSES)
    clips, _ = random_clips(count, (3, frames, 8, 8))
    clips = 0.2 + 0.6 * clips
    labels = model(clips).argmax(1)
    labels[0] = (labels[0] + 1) % CLASSES
    return model, clips, labels


def gradient_of(model: nn.Module, clip: Tensor, label: Tensor) -> Tensor:
    x = clip[None].clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), label[None]), x)
    return gradient[0]


def plain_pgd_on(
    model: nn.Module, start: Tensor, clean: Tensor, label: Tensor, frames: list[int]
) -> Tensor:
    """PGD from a start around the clean clip, on some frames, without any of our parts."""
    x = start.clone()
    for _ in range(STEPS):
        moved = x + ALPHA * gradient_of(model, x, label).sign()
        moved = torch.minimum(torch.maximum(moved, clean - EPS), clean + EPS).clamp(0, 1)
        for t in frames:
            x[:, t] = moved[:, t]
    return x


def plain(model: nn.Module, clip: Tensor, label: Tensor, method: str) -> tuple[Tensor, int]:
    """Spell frame saliency for one clip."""
    total = clip.shape[1]

    def fools(x: Tensor) -> bool:
        return bool((model(x[None]).argmax() != label).item())

    if fools(clip):
        return clip, 0
    saliency = gradient_of(model, clip, label).abs().mean(dim=(0, 2, 3))
    order = [int(t) for t in saliency.argsort(descending=True)]
    everywhere = plain_pgd_on(model, clip, clip, label, list(range(total)))
    x, left = clip.clone(), list(range(total))
    for count in range(1, total + 1):
        if method == "iterative":
            x[:, order[count - 1]] = everywhere[:, order[count - 1]]
        else:
            saliency = gradient_of(model, x, label).abs().mean(dim=(0, 2, 3))
            frame = max(left, key=lambda t: float(saliency[t]))
            left.remove(frame)
            x = plain_pgd_on(model, x, clip, label, [frame])
        if fools(x):
            return x, count
    return x, total


@pytest.mark.parametrize("method", ["iterative", "refresh"])
@pytest.mark.parametrize("network", [False, True])
def test_agrees_with_a_plain_spelling(method: str, network: bool) -> None:
    model, clips, labels = case()
    if network:
        model = small_model().double().eval()
        clips = clips.double()
        labels = model(clips).argmax(1)
    result = frame_saliency(
        model, clips, labels, eps=EPS, method=method, step_size=ALPHA, steps=STEPS
    )
    needed = set()
    for i in range(len(clips)):
        expected, count = plain(model, clips[i], labels[i], method)
        torch.testing.assert_close(result.clips[i], expected)
        assert int(result.frames[i]) == count
        needed.add(count)
    if not network:
        assert len(needed) > 2
        assert 0 in needed


def test_one_shot_is_pgd_and_with_frames_it_attacks_the_most_salient() -> None:
    model, clips, labels = case()
    common: dict[str, Any] = {"eps": EPS, "step_size": ALPHA, "steps": STEPS}
    whole = frame_saliency(model, clips, labels, method="one-shot", **common)
    assert torch.equal(whole.clips, linf_pgd(model, clips, labels, **common))
    few = frame_saliency(model, clips, labels, method="one-shot", frames=2, **common)
    for i in range(len(clips)):
        saliency = gradient_of(model, clips[i], labels[i]).abs().mean(dim=(0, 2, 3))
        best = sorted(saliency.argsort(descending=True)[:2].tolist())
        touched = (few.clips[i] != clips[i]).any(0).flatten(1).any(1).nonzero().flatten()
        assert touched.tolist() == best
        assert few.support[i].flatten().nonzero().flatten().tolist() == best
        torch.testing.assert_close(
            few.clips[i], plain_pgd_on(model, clips[i], clips[i], labels[i], best)
        )
    assert few.frames.tolist() == [2] * len(clips)


@pytest.mark.parametrize("method", ["iterative", "refresh"])
def test_a_cap_on_frames_is_kept_and_reported(method: str) -> None:
    model, clips, labels = case()
    free = frame_saliency(model, clips, labels, eps=EPS, method=method, steps=STEPS)
    capped = frame_saliency(model, clips, labels, eps=EPS, method=method, steps=STEPS, frames=2)
    assert torch.equal(capped.frames, free.frames.clamp(max=2))
    assert (free.frames > 2).any()
    changed = (capped.clips != clips).any(1).flatten(2).any(2).sum(1)
    assert (changed <= 2).all()


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["iterative", "refresh"]), st.floats(0.01, 0.3), st.integers(1, 6))
def test_a_clip_never_depends_on_the_others_and_keeps_its_bound(
    method: str, eps: float, frames: int
) -> None:
    """One mask for all clips lets ART's refresh leave its bound with two clips or more."""
    model, clips, labels = case(5, frames)
    together = frame_saliency(model, clips, labels, eps=eps, method=method, steps=3)
    assert (together.clips - clips).abs().max() <= eps + 1e-6
    for i in range(len(clips)):
        one = slice(i, i + 1)
        alone = frame_saliency(model, clips[one], labels[one], eps=eps, method=method, steps=3)
        torch.testing.assert_close(alone.clips, together.clips[one])
        assert torch.equal(alone.frames, together.frames[one])


def test_agrees_with_art_on_one_clip() -> None:
    """Same frames and same success as ART's iterative saliency, which is right at batch 1."""
    model, clips, labels = case(10)
    classifier = VideoClassifier(model)
    pgd = ProjectedGradientDescent(
        classifier, eps=EPS, eps_step=ALPHA, max_iter=STEPS, verbose=False
    )
    # ART counts a change of the prediction as success: give it clips that are right.
    for i in range(1, len(clips)):
        one = slice(i, i + 1)
        theirs = FrameSaliencyAttack(
            classifier, pgd, method="iterative_saliency", frame_index=2, verbose=False
        ).generate(clips[one].numpy(), labels[one].numpy())
        ours = FrameSaliency(
            classifier, EPS, method="iterative", eps_step=ALPHA, max_iter=STEPS, verbose=False
        ).generate(clips[one].numpy(), labels[one].numpy())
        torch.testing.assert_close(torch.as_tensor(theirs), torch.as_tensor(ours))


@pytest.mark.parametrize("method", ["one-shot", "iterative", "refresh"])
def test_no_frame_is_spent_where_the_mask_allows_no_change(method: str) -> None:
    model, clips, labels = case()
    clips, labels = clips[1:], labels[1:]
    mask = torch.zeros(1, 1, 6, 1, 1)
    mask[:, :, 4:] = 1
    for frames in (1, 2):
        result = frame_saliency(
            model, clips, labels, eps=EPS, method=method, steps=STEPS, frames=frames, mask=mask
        )
        changed = (result.clips != clips).any(1).flatten(2).any(2)
        assert torch.equal(changed.sum(1), result.frames)
        assert not changed[:, :4].any()
        assert changed.any(1).all()


def test_order_is_that_of_the_gradient() -> None:
    scores = frame_saliency_scores(torch.tensor([0.0, 2, -3, 1]).view(1, 1, 4, 1, 1))
    assert scores.tolist() == [[0, 2, 3, 1]]
    assert rank_frames(scores).tolist() == [[3, 1, 0, 2]]
    assert rank_frames(torch.tensor([[1.0, 1, 1]])).tolist() == [[0, 1, 2]]


def test_a_target_ends_the_search_when_it_is_reached() -> None:
    model, clips, labels = case()
    targets = (labels + 2) % CLASSES
    result = frame_saliency(
        model, clips, targets, eps=0.3, method="refresh", steps=5, targeted=True
    )
    reached = model(result.clips).argmax(1) == targets
    assert reached.float().mean() > 0.5
    assert (result.frames[~reached] == 6).all()


def test_a_tiny_budget_fails_and_takes_all_frames() -> None:
    model, clips, labels = case()
    result = frame_saliency(model, clips, labels, eps=1e-5, method="iterative", steps=2)
    assert result.frames[1:].min() == 6
    assert (model(result.clips).argmax(1) == labels)[1:].all()


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"method": "two-shot"}, "one-shot, iterative, refresh"),
        ({"frames": 0}, "frames"),
        ({"max_iter": 0}, "max_iter"),
    ],
)
def test_bad_settings_are_refused(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        FrameSaliency(VideoClassifier(LinearClipModel()), **kwargs)
