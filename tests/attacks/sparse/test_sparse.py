from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from advvid.attacks import SparseAttack, linf_pgd, sparse_attack
from advvid.attacks.sparse.proximal import shrink_frames
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, LinearClipModel, bent_model, random_clips


class Uneven(nn.Module):
    """Two classes; frame t counts t + 1 times as much."""

    num_classes = 2

    def __init__(self) -> None:
        super().__init__()
        weight = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
        norms = weight.square().sum((0, 2, 3), keepdim=True).sqrt()
        self.weight = nn.Parameter(weight / norms * torch.arange(1.0, 5).view(1, 4, 1, 1))

    def forward(self, clips: Tensor) -> Tensor:
        lead = ((clips - 0.5) * self.weight).flatten(1).sum(1)
        return torch.stack([lead, -lead], dim=1)


def uneven(count: int = 6) -> tuple[Uneven, Tensor, Tensor]:
    clips, _ = random_clips(count)
    clips = 0.4 + 0.2 * clips
    model = Uneven()
    return model, clips, model(clips).argmax(1)


@pytest.mark.parametrize(("regularization", "moving"), [(0.1, 4), (0.6, 2), (0.9, 1), (1.0, 0)])
def test_frames_move_whose_gradient_is_long_enough(regularization: float, moving: int) -> None:
    """On a linear model the gradient is one and the same: ||g_t|| is 1/4, 2/4, 3/4, 4/4 of it."""
    model, clips, labels = uneven()
    result = sparse_attack(
        model, clips, labels, eps=1e-4, regularization=regularization, steps=5, loss="cw"
    )
    changed = (result.clips != clips).any(1).flatten(2).any(2)
    assert changed.sum(1).tolist() == result.frames.tolist() == [moving] * len(clips)
    assert changed[:, 4 - moving :].all()


def test_few_frames_suffice_where_pgd_changes_all() -> None:
    model, clips, labels = uneven(12)
    eps = 0.05
    result = sparse_attack(model, clips, labels, eps=eps, regularization=0.6)
    whole = linf_pgd(model, clips, labels, eps=eps)
    fooled = model(result.clips).argmax(1) != labels
    assert fooled.float().mean() > 0.6
    assert (fooled <= (model(whole).argmax(1) != labels)).all()
    assert (result.frames[fooled] <= 2).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 3))
def test_shrinking_is_the_proximal_operator(seed: int, by: float) -> None:
    """No other point has a lower by * ||z_t|| + ||z_t - delta_t||^2 / 2 in any frame."""
    generator = torch.Generator().manual_seed(seed)
    delta = torch.randn(2, 3, 3, 2, 2, generator=generator, dtype=torch.float64)
    best = shrink_frames(delta, torch.full((2,), by, dtype=torch.float64))

    def cost(z: Tensor) -> Tensor:
        axes = (1, 3, 4)
        return by * z.square().sum(axes).sqrt() + 0.5 * (z - delta).square().sum(axes)

    for scale in (1e-3, 0.1, 1.0):
        other = best + scale * torch.randn(delta.shape, generator=generator, dtype=torch.float64)
        assert (cost(best) <= cost(other) + 1e-12).all()


def test_agrees_with_a_plain_spelling() -> None:
    model = bent_model().double()
    clips, _ = random_clips(5)
    clips = (0.2 + 0.6 * clips).double()
    labels = model(clips).argmax(1)
    eps, steps, penalty = 0.02, 6, 0.4
    ours = sparse_attack(model, clips, labels, eps=eps, steps=steps, regularization=penalty)
    for i in range(5):
        x, seen = clips[i].clone(), []
        for step in range(steps + 1):
            at = x[None].clone().requires_grad_(True)
            logits = model(at)
            loss = F.cross_entropy(logits, labels[i : i + 1])
            (g,) = torch.autograd.grad(loss, at)
            fooled = bool(logits.argmax() != labels[i])
            norm = sum(float((x - clips[i])[:, t].norm()) for t in range(4))
            seen.append((not fooled, norm if fooled else -float(loss.detach()), x.clone()))
            if step == steps:
                break
            longest = max(float(g[0, :, t].norm()) for t in range(4))
            length = 2.5 * eps / steps * (3 * 8 * 8) ** 0.5
            delta = x - clips[i] + length / longest * g[0]
            for t in range(4):
                size = float(delta[:, t].norm())
                delta[:, t] *= max(0.0, 1 - penalty * length / size)
            x = (clips[i] + delta.clamp(-eps, eps)).clamp(0, 1)
        best = min(seen, key=lambda entry: entry[:2])[2]
        torch.testing.assert_close(ours.clips[i], best, atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("order", "wanted"), [("first", [0, 1]), ("spread", [1, 3]), ("salient", [2, 3])]
)
def test_a_frame_mask_is_kept_to(order: str, wanted: list[int]) -> None:
    model, clips, labels = uneven()
    result = sparse_attack(
        model, clips, labels, eps=0.1, regularization=0, frames=2, order=order, steps=5
    )
    assert result.support[0].flatten().nonzero().flatten().tolist() == wanted
    changed = (result.clips != clips).any(1).flatten(2).any(2)
    assert not (changed & ~result.support[:, 0, :, 0, 0]).any()
    assert changed.any()


def test_no_frame_is_spent_where_the_callers_mask_allows_no_change() -> None:
    model, clips, labels = uneven()
    mask = torch.zeros(1, 1, 4, 1, 1)
    mask[:, :, :2] = 1
    result = sparse_attack(
        model, clips, labels, eps=0.1, regularization=0, frames=1, steps=5, mask=mask
    )
    changed = (result.clips != clips).any(1).flatten(2).any(2)
    assert changed.tolist() == [[False, True, False, False]] * len(clips)


def test_huge_regularization_leaves_every_clip_as_it_is() -> None:
    model = bent_model()
    clips, _ = random_clips(6)
    labels = model(clips).argmax(1)
    result = sparse_attack(model, clips, labels, eps=0.5, regularization=100)
    assert torch.equal(result.clips, clips)
    assert result.frames.tolist() == [0] * 6
    assert result.norm.tolist() == [0] * 6


def test_targets_are_reached_and_reported() -> None:
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(8)
    goals = (model(clips).argmax(1) + 1) % CLASSES
    attack = SparseAttack(
        VideoClassifier(model), eps=0.5, regularization=0.1, targeted=True, verbose=False
    )
    reached = model(attack.generate(clips, goals)).argmax(1) == goals
    assert reached.float().mean() > 0.8
    assert attack.report["norm"].shape == attack.report["frames"].shape == (8,)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"regularization": -1}, "regularization"),
        ({"frames": 0}, "frames"),
        ({"order": "last"}, "first, spread, salient"),
        ({"order": "first"}, "give frames"),
        ({"max_iter": 0}, "max_iter"),
    ],
)
def test_bad_settings_are_refused(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        SparseAttack(VideoClassifier(LinearClipModel()), **kwargs)


def frames_of(changed: Tensor, clips: Tensor) -> Tensor:
    return (changed != clips).any(1).flatten(2).any(2).sum(1)


def test_each_clip_gets_its_own_price_and_gives_back_what_it_does_not_need() -> None:
    """As many are fooled as by PGD everywhere, none in a frame that the others make needless."""
    model, clips, labels = uneven(24)
    clips = (clips * 255).round() / 255
    labels, eps = model(clips).argmax(1), 10 / 255
    result = sparse_attack(model, clips, labels, eps=eps)
    fooled = model(result.clips).argmax(1) != labels
    whole = model(linf_pgd(model, clips, labels, eps=eps, steps=40)).argmax(1) != labels
    assert fooled.sum() > 3
    assert (whole <= fooled).all()
    assert torch.equal(result.frames, frames_of(result.clips, clips))
    # A frame more than the fewest that could: on a linear model the last frames are the strongest.
    for i in fooled.nonzero().flatten().tolist():
        delta = eps * (1 if labels[i] == 1 else -1) * model.weight.sign()
        for few in range(1, int(result.frames[i])):
            strongest = clips[i].clone()
            strongest[:, 4 - few :] += delta[:, 4 - few :]
            lead = model(strongest.clamp(0, 1)[None])
            assert lead.argmax() == labels[i]
    assert result.frames[fooled].unique().numel() > 1


def test_a_fixed_price_takes_more_frames_or_leaves_more() -> None:
    model = bent_model()
    clips = 0.3 + 0.4 * random_clips(40)[0]
    labels, eps = model(clips).argmax(1), 0.03
    searched = sparse_attack(model, clips, labels, eps=eps)
    won = model(searched.clips).argmax(1) != labels
    assert won.sum() > 5
    for price in (0.1, 0.3, 0.7):
        fixed = sparse_attack(model, clips, labels, eps=eps, regularization=price)
        both = won & (model(fixed.clips).argmax(1) != labels)
        assert both.sum() <= won.sum()
        assert (searched.frames[both] <= fixed.frames[both]).float().mean() >= 0.9
    all_frames = sparse_attack(model, clips, labels, eps=eps, regularization=0.1).frames
    assert searched.frames[won].float().mean() < all_frames[won].float().mean() - 0.5
