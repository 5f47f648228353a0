from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from advvid.attacks import LinfPGD, linf_pgd
from advvid.attacks.core.ascent import input_gradient, steepest_step_
from advvid.attacks.core.linf_box import linf_box
from advvid.attacks.core.losses import LOSSES
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.random_streams import clip_seeds, uniform
from tests.clip_models import CLASSES, CLIP_SHAPE, LinearClipModel, random_clips, small_model


def plain_pgd(
    model: nn.Module, clips: Tensor, labels: Tensor, eps: float, alpha: float, steps: int
) -> Tensor:
    """Spell PGD on delta, clip by clip, as the paper writes it (Eq. 7)."""
    results = []
    for clip, label in zip(clips, labels, strict=True):
        delta = torch.zeros_like(clip)
        for _ in range(steps):
            x = (clip + delta).clone().requires_grad_(True)
            F.cross_entropy(model(x[None]), label[None]).backward()
            assert x.grad is not None
            delta = (delta + alpha * x.grad.sign()).clamp(-eps, eps)
            delta = (clip + delta).clamp(0, 1) - clip
        results.append(clip + delta)
    return torch.stack(results)


@settings(max_examples=30, deadline=None)
@given(
    eps=st.floats(0.001, 1),
    alpha=st.floats(0.0005, 2),
    steps=st.integers(1, 4),
    frames=st.integers(1, 3),
    side=st.integers(1, 6),
    random_start=st.booleans(),
    targeted=st.booleans(),
)
def test_result_stays_in_the_budget_and_the_pixel_range(
    eps: float, alpha: float, steps: int, frames: int, side: int, random_start: bool, targeted: bool
) -> None:
    shape = (3, frames, side, side)
    clips, labels = random_clips(3, shape, 2)
    adversarial = linf_pgd(
        LinearClipModel(shape),
        clips,
        labels,
        eps=eps,
        step_size=alpha,
        steps=steps,
        random_start=random_start,
        targeted=targeted,
    )
    assert (adversarial - clips).abs().max() <= eps + 1e-6
    assert adversarial.min() >= 0
    assert adversarial.max() <= 1


@pytest.mark.parametrize("random_start", [False, True])
def test_linear_model_reaches_the_closed_form_optimum(random_start: bool) -> None:
    """With two classes the loss falls with (w_y - w_other) x: every pixel goes to its corner."""
    model, eps = LinearClipModel(), 8 / 255
    clips, labels = random_clips(classes=2)
    away = (model.weight[1 - labels] - model.weight[labels]).view_as(clips).sign()
    optimum = (clips + eps * away).clamp(0, 1)
    adversarial = linf_pgd(
        model, clips, labels, eps=eps, step_size=eps / 2, steps=4, random_start=random_start
    )
    torch.testing.assert_close(adversarial, optimum, atol=1e-6, rtol=0)


def test_too_short_a_way_does_not_reach_the_optimum() -> None:
    model, eps = LinearClipModel(), 8 / 255
    clips, labels = random_clips(classes=2)
    reached = linf_pgd(model, clips, labels, eps=eps, step_size=eps / 10, steps=4)
    assert (reached - clips).abs().max() <= 0.4 * eps + 1e-6
    optimum = linf_pgd(model, clips, labels, eps=eps, step_size=eps, steps=4)
    losses = [F.cross_entropy(model(x), labels) for x in (reached, optimum)]
    assert losses[0] < losses[1]


def test_agrees_with_a_plain_spelling() -> None:
    model = small_model().double().eval()
    clips, labels = random_clips()
    clips = clips.double()
    eps, alpha = 6 / 255, 1.5 / 255
    ours = linf_pgd(model, clips, labels, eps=eps, step_size=alpha, steps=6)
    torch.testing.assert_close(ours, plain_pgd(model, clips, labels, eps, alpha, 6))


def test_agrees_with_torchattacks_and_art() -> None:
    torchattacks = pytest.importorskip("torchattacks")
    from art.attacks.evasion import ProjectedGradientDescentPyTorch

    model = small_model().eval()
    clips, labels = random_clips()
    eps, alpha = 8 / 255, 1.8 / 255
    ours = linf_pgd(model, clips, labels, eps=eps, step_size=alpha, steps=10)
    theirs = torchattacks.PGD(model, eps=eps, alpha=alpha, steps=10, random_start=False)(
        clips, labels
    )
    classifier = VideoClassifier(model, input_shape=CLIP_SHAPE, nb_classes=CLASSES)
    arts = ProjectedGradientDescentPyTorch(
        classifier, eps=eps, eps_step=alpha, max_iter=10, verbose=False
    ).generate(clips.numpy(), labels.numpy())
    # A gradient of almost zero may have either sign, so single pixels may differ; losses may not.
    expected = F.cross_entropy(model(ours), labels)
    for other in (theirs, torch.from_numpy(arts)):
        assert (other - ours).abs().mean() < 1e-4
        torch.testing.assert_close(
            F.cross_entropy(model(other), labels), expected, rtol=1e-4, atol=0
        )


def test_per_clip_budgets_equal_separate_runs() -> None:
    model = small_model().eval()
    clips, labels = random_clips()
    eps = torch.linspace(1, 12, len(clips)) / 255
    together = linf_pgd(model, clips, labels, eps=eps, steps=5)
    for i, budget in enumerate(eps):
        alone = linf_pgd(model, clips[i : i + 1], labels[i : i + 1], eps=float(budget), steps=5)
        assert (together[i] - alone[0]).abs().mean() < 1e-5


EPS = 8 / 255


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("loss", ["ce", "cw"])
def test_restarts_keep_the_worst_of_their_runs(loss: str, targeted: bool) -> None:
    """By hand: an adversarial run before any other, then the largest loss (targeted: smallest)."""
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(24)
    first, second = model(clips).topk(2).indices.T
    labels = second if targeted else first
    kwargs: dict[str, Any] = {"eps": EPS, "step_size": EPS / 4, "steps": 1, "loss": loss}
    kwargs |= {"targeted": targeted, "random_start": True}
    seeds = clip_seeds(3, len(clips))
    best = linf_pgd(model, clips, labels, restarts=4, seed=seeds, **kwargs)
    score = LOSSES[loss]
    box = linf_box(clips, EPS)
    runs = []
    for restart in range(4):
        start = box.at(uniform(seeds, CLIP_SHAPE, stream="pgd start", draw=restart))
        gradient, _, _ = input_gradient(model, start, labels, score)
        runs.append(steepest_step_(start, gradient, (-1 if targeted else 1) * EPS / 4, box))
    logits = torch.stack([model(run) for run in runs])
    fooled = (logits.argmax(2) == labels) if targeted else (logits.argmax(2) != labels)
    losses = torch.stack([score(z, labels) for z in logits]) * (-1 if targeted else 1)
    rank = losses.double() + 1e6 * fooled
    expected = torch.stack(runs)[rank.argmax(0), torch.arange(len(clips))]
    torch.testing.assert_close(best, expected)
    assert 0 < fooled.any(0).sum() < len(clips)


@pytest.mark.parametrize("early_stop", [False, True])
def test_targeted_with_per_clip_budgets_and_steps(early_stop: bool) -> None:
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(12)
    targets = (model(clips).argmax(1) + 1) % CLASSES
    eps = torch.linspace(1, 24, len(clips)) / 255
    kwargs: dict[str, Any] = {"steps": 6, "targeted": True, "early_stop": early_stop}
    together = linf_pgd(model, clips, targets, eps=eps, **kwargs)
    for i, budget in enumerate(eps):
        one = slice(i, i + 1)
        alone = linf_pgd(model, clips[one], targets[one], eps=float(budget), **kwargs)
        torch.testing.assert_close(together[one], alone, atol=1e-5, rtol=0)
    fooled = model(together).argmax(1) == targets
    assert 0 < fooled.sum() < len(clips)
    # The largest budgets reach the target, and early stop leaves them short of their bound.
    assert fooled[-1]
    reached = (together[-1] - clips[-1]).abs().max() >= eps[-1] - 1e-6
    assert bool(reached) != early_stop


def test_targeted_lowers_the_loss_of_the_target() -> None:
    model = small_model().eval()
    clips, targets = random_clips()
    before = F.cross_entropy(model(clips), targets)
    after = F.cross_entropy(
        model(linf_pgd(model, clips, targets, eps=8 / 255, targeted=True)), targets
    )
    assert after < before


def test_mask_is_exact_support() -> None:
    clips, labels = random_clips()
    mask = torch.zeros(1, 1, 4, 8, 8, dtype=torch.bool)
    mask[..., 1, 2:5, :] = True
    adversarial = linf_pgd(small_model(), clips, labels, eps=0.5, mask=mask, random_start=True)
    changed = adversarial != clips
    assert changed.any()
    assert not (changed & ~mask).any()


def test_early_stop_keeps_the_first_adversarial_iterate() -> None:
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(12)
    labels = model(clips).argmax(1)
    kwargs: dict[str, Any] = {"eps": 8 / 255, "step_size": 0.5 / 255}
    stopped = linf_pgd(model, clips, labels, steps=10, early_stop=True, **kwargs)
    runs = [clips, *(linf_pgd(model, clips, labels, steps=m, **kwargs) for m in range(1, 11))]
    flips = 0
    for i in range(len(clips)):
        hits = [m for m, run in enumerate(runs[:10]) if model(run[i : i + 1]).argmax() != labels[i]]
        expected = runs[hits[0] if hits else 10][i]
        flips += bool(hits)
        assert (stopped[i] - expected).abs().mean() < 1e-4
    assert 0 < flips < len(clips)


def test_nothing_of_the_caller_changes() -> None:
    model = small_model().train()
    next(model.parameters()).requires_grad_(False)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    clips, labels = random_clips()
    kept, state = clips.clone(), torch.get_rng_state()
    linf_pgd(model, clips, labels, eps=8 / 255, random_start=True, restarts=2)
    assert all(m.training for m in model.modules())
    assert [p.requires_grad for p in model.parameters()][:2] == [False, True]
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(clips, kept)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_gradients_that_are_one_expanded_number_and_clips_that_ask_for_one() -> None:
    class Sum(nn.Module):
        def forward(self, clips: Tensor) -> Tensor:
            total = (clips - 0.5).sum((1, 2, 3, 4)) / 100
            return torch.stack([total, -total], 1)

    clips, labels = random_clips(classes=2)
    clips.requires_grad_(True)
    moved = linf_pgd(Sum(), clips, labels, eps=torch.tensor(8 / 255), early_stop=True)
    assert not moved.requires_grad
    assert (moved != clips).any()
    with pytest.raises(InputError, match="integers"):
        linf_pgd(Sum(), clips, torch.eye(2)[labels], eps=0.1)


def test_bad_input_is_refused() -> None:
    classifier = VideoClassifier(small_model(), input_shape=CLIP_SHAPE, nb_classes=CLASSES)
    attack = LinfPGD(classifier)
    clips, labels = random_clips()
    nan = clips.clone()
    nan[0, 0, 0, 0, 0] = torch.nan
    for bad, words in (
        (nan, "finite"),
        (clips * 255, "divide by 255"),
        (clips - 0.5, r"\[0, 1\]"),
        (clips.transpose(1, 2), "channels before time"),
        (clips.permute(0, 2, 3, 4, 1), "NTHWC"),
        (clips[0], "batch axis"),
        ((clips * 255).to(torch.uint8), "divide by 255"),
        (clips[:, :, :2], "resample"),
    ):
        with pytest.raises(InputError, match=words):
            attack.generate(bad, labels)
    with pytest.raises(InputError, match="0 to 4; got"):
        attack.generate(clips, labels + CLASSES)
    with pytest.raises(InputError, match="one a clip"):
        attack.generate(clips, labels[:-1])
    with pytest.raises(InputError, match="mask"):
        attack.generate(clips, labels, mask=torch.ones(2, 1, 4, 8, 8))
    with pytest.raises(InputError, match="needs labels"):
        LinfPGD(classifier, targeted=True).generate(clips)
