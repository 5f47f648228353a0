import math
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import OverTheAirFlickeringPyTorch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from advvid.attacks import Flickering, flickering
from advvid.attacks.flickering.descent import DescentSteps
from advvid.attacks.flickering.objective import FlickeringObjective, roll_in_time
from advvid.attacks.flickering.terms import (
    fooling_loss,
    roughness,
    roughness_percent,
    thickness,
    thickness_percent,
)
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, LinearClipModel, random_clips, small_model


def case(count: int = 6) -> tuple[LinearClipModel, Tensor, Tensor]:
    """Clips away from black and white, where no offset is cut off."""
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(count)
    clips = 0.4 + 0.2 * clips
    return model, clips, model(clips).argmax(1)


def plain_loss(
    model: nn.Module, clip: Tensor, label: int, delta: Tensor, settings: dict[str, float]
) -> Tensor:
    """Spell the objective for one clip and offsets (3, T), frame by frame."""
    frames = delta.shape[1]
    d1 = (delta**2).mean()
    first = sum(((delta[:, t] - delta[:, t - 1]) ** 2).mean() for t in range(frames)) / frames
    second = (
        sum(
            ((delta[:, t - 1] - 2 * delta[:, t] + delta[:, (t + 1) % frames]) ** 2).mean()
            for t in range(frames)
        )
        / frames
    )
    p = model((clip + delta[:, :, None, None]).clamp(0, 1)[None])[0].softmax(0)
    others = torch.stack([p[k] for k in range(len(p)) if k != label])
    excess = p[label] - others.max() + settings["margin"]
    hinge = torch.zeros(())
    if excess > 0:
        hinge = torch.minimum(excess**2 / settings["margin"], excess)
    regular = settings["thickness_weight"] * d1 + settings["roughness_weight"] * (first + second)
    return hinge + settings["regularization"] * regular


SETTINGS: dict[str, Any] = {
    "regularization": 1.0,
    "thickness_weight": 0.6,
    "roughness_weight": 0.4,
    "margin": 0.05,
    "widen": False,
}


def test_terms_of_known_offsets() -> None:
    """Red flickers by 0.3 in one frame of three; differences in a circle."""
    offsets = torch.zeros(1, 3, 3, 1, 1)
    offsets[0, 0, 1] = 0.3
    assert thickness(offsets).item() == pytest.approx(0.09 / 9)
    assert roughness(offsets).item() == pytest.approx(2 * 0.09 / 9 + (0.36 + 2 * 0.09) / 9)
    assert thickness_percent(offsets).item() == pytest.approx(100 * 0.3 / 9)
    assert roughness_percent(offsets).item() == pytest.approx(100 * 0.6 / 9)


@given(st.floats(0.001, 0.999), st.floats(0.01, 0.5), st.booleans())
def test_hinge_has_three_parts(own: float, margin: float, targeted: bool) -> None:
    logits = torch.tensor([[own, 1 - own]], dtype=torch.float64).log()
    excess = (1 - 2 * own if targeted else 2 * own - 1) + margin
    expected = 0.0 if excess <= 0 else min(excess**2 / margin, excess)
    # Beyond a lead of 5 logits a line follows, as steep as the lead of probabilities is there.
    lead = math.log((1 - own) / own if targeted else own / (1 - own))
    expected += 0.5 / math.cosh(2.5) ** 2 * max(0.0, lead - 5)
    loss = fooling_loss(logits, torch.tensor([0]), margin, targeted=targeted)
    assert loss.item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("optimizer", ["sign", "adam"])
def test_agrees_with_a_plain_spelling(optimizer: str) -> None:
    """Five steps, clip by clip, with torch's own Adam; the best of six iterates is kept."""
    model = small_model().double().eval()
    clips = 0.4 + 0.2 * random_clips(4)[0].double()
    labels = model(clips).argmax(1)
    result = flickering(
        model, clips, labels, eps=0.03, step_size=0.01, steps=5, optimizer=optimizer, **SETTINGS
    )
    for i in range(len(clips)):
        delta = torch.zeros(3, clips.shape[2], dtype=torch.float64, requires_grad=True)
        adam = torch.optim.Adam([delta], lr=0.01)
        seen = []
        for step in range(6):
            adam.zero_grad()
            loss = plain_loss(model, clips[i], int(labels[i]), delta, SETTINGS)
            seen.append((float(loss.detach()), delta.detach().clone()))
            if step == 5:
                break
            loss.backward()
            if optimizer == "adam":
                adam.step()
            else:
                assert delta.grad is not None
                with torch.no_grad():
                    delta -= 0.01 * delta.grad.sign()
            with torch.no_grad():
                delta.clamp_(-0.03, 0.03)
        ours = result.offsets[i, :, :, 0, 0]
        assert min(float((ours - d).abs().max()) for _, d in seen) < 1e-6
        torch.testing.assert_close(result.clips[i], (clips[i] + ours[:, :, None, None]).clamp(0, 1))


def test_a_linear_model_gets_the_closed_form() -> None:
    """Without regularization, each offset goes to the end that its summed weights say."""
    model = LinearClipModel(classes=2)
    clips = 0.4 + 0.2 * random_clips(16)[0]
    labels = model(clips).argmax(1)
    result = flickering(
        model,
        clips,
        labels,
        eps=0.12,
        step_size=0.12,
        steps=3,
        regularization=0,
        margin=1,
        optimizer="sign",
    )
    weight = (model.weight[1 - labels] - model.weight[labels]).view_as(clips)
    best = 0.12 * weight.sum((3, 4), keepdim=True).sign()
    fooled = model(clips + best).argmax(1) != labels
    assert 0 < fooled.sum() < 16
    torch.testing.assert_close(result.offsets[~fooled], best[~fooled])
    assert torch.equal(model(result.clips).argmax(1) != labels, fooled)


def test_huge_regularization_stops_it() -> None:
    model, clips, labels = case()
    free = flickering(model, clips, labels, steps=60)
    held = flickering(model, clips, labels, steps=60, regularization=1e6)
    assert (model(free.clips).argmax(1) != labels).float().mean() > 0.8
    assert torch.equal(model(held.clips).argmax(1), labels)
    assert held.offsets.abs().max() < 0.02


def test_of_offsets_that_fool_the_least_visible_are_kept() -> None:
    model, clips, labels = case()
    short = flickering(model, clips, labels, steps=30, step_size=0.02)
    long = flickering(model, clips, labels, steps=120, step_size=0.02)
    misclassified = model(short.clips).argmax(1) != labels
    assert misclassified.any()
    assert (model(long.clips).argmax(1) != labels)[misclassified].all()
    objective = FlickeringObjective(1.0, 0.5, 0.5, 0.05, False)
    seen = [objective.visibility(result.offsets)[misclassified] for result in (short, long)]
    assert (seen[1] <= seen[0] + 1e-9).all()
    assert (seen[1] < seen[0]).any()


def test_sign_steps_are_those_of_art() -> None:
    """ART is hard-wired to (N, T, H, W, C) and gives its last iterate: look at each in turn."""
    model, clips, labels = case(12)
    last = clips.permute(0, 2, 3, 4, 1).numpy()
    classifier = VideoClassifier(model, layout="NTHWC", input_shape=(4, 8, 8, 3))
    objective = FlickeringObjective(**SETTINGS, targeted=False)
    descent, delta = DescentSteps("sign", 0.01), torch.zeros(12, 3, 4, 1, 1)
    fooled = np.zeros(12, dtype=bool)
    for steps in range(1, 16):
        none = torch.zeros(1, 12, dtype=torch.int64)
        gradient, _, _ = objective.differentiate(
            model, clips, labels, delta, none, torch.ones(12, 1), None
        )
        assert gradient is not None
        delta = delta + descent.step(gradient)
        theirs = OverTheAirFlickeringPyTorch(
            classifier,
            max_iter=steps,
            eps_step=0.01,
            beta_0=1.0,
            beta_1=0.6,
            beta_2=0.4,
            loss_margin=0.05,
            verbose=False,
        ).generate(last, np.eye(CLASSES, dtype=np.float32)[labels])
        moved = (clips + delta).permute(0, 2, 3, 4, 1).numpy()
        np.testing.assert_allclose(moved, theirs, atol=1e-6)
        fooled |= classifier.predict(theirs).argmax(1) != labels.numpy()

    # Ours keeps the best of them, so it fools whatever any of ART's iterates fools.
    ours = Flickering(
        classifier, max_iter=15, eps_step=0.01, optimizer="sign", verbose=False, **SETTINGS
    )
    result = ours.generate(last, labels.numpy())
    assert fooled.sum() > 3
    assert (classifier.predict(result).argmax(1) != labels.numpy())[fooled].all()


def test_rolled_offsets_are_rolled_and_survive_rolls() -> None:
    offsets = torch.arange(8.0).view(2, 1, 4, 1, 1)
    rolled = roll_in_time(offsets, torch.tensor([1, -1]))
    assert rolled.flatten(1).tolist() == [[3, 0, 1, 2], [5, 6, 7, 4]]
    model, clips, labels = case(48)
    settings: dict[str, Any] = {"eps": 0.3, "steps": 60, "step_size": 0.05, "regularization": 0}
    plain = flickering(model, clips, labels, **settings)
    survives = flickering(model, clips, labels, shift_draws=4, **settings)

    def fooled_when_rolled(offsets: Tensor) -> float:
        rates = [
            (model((clips + offsets.roll(r, 2)).clamp(0, 1)).argmax(1) != labels).float().mean()
            for r in range(4)
        ]
        return float(torch.stack(rates).mean())

    assert fooled_when_rolled(survives.offsets) > fooled_when_rolled(plain.offsets) + 0.1


def test_activations_are_kept_for_one_roll_at_a_time() -> None:
    inner, clips, labels = case()
    alive: list[weakref.ref[Tensor]] = []
    most = 0

    class Kept(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            kept = x.clone()
            alive.append(weakref.ref(kept))
            ctx.save_for_backward(kept)
            return x.clone()

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            return gradients[0]

    def model(x: Tensor) -> Tensor:
        nonlocal most
        logits: Tensor = inner(Kept.apply(x))
        most = max(most, sum(reference() is not None for reference in alive))
        return logits

    flickering(model, clips, labels, steps=2, shift_draws=6)
    assert len(alive) >= 2 * 7
    # The last one's graph may still exist while the next is built.
    assert most <= 2


def test_report_has_offsets_and_what_they_look_like() -> None:
    model, clips, labels = case()
    attack = Flickering(VideoClassifier(model), eps=0.1, max_iter=5, verbose=False)
    adversarial = attack.generate(clips, labels)
    offsets = attack.report["offsets"]
    assert offsets.shape == (6, 3, 4, 1, 1)
    torch.testing.assert_close(adversarial, (clips + offsets).clamp(0, 1))
    torch.testing.assert_close(attack.report["roughness"], roughness_percent(offsets))


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"eps": 2}, "at most 1"),
        ({"eps_step": 0}, "step size"),
        ({"max_iter": 0}, "max_iter"),
        ({"regularization": -1}, "regularization"),
        ({"margin": 0}, "margin"),
        ({"optimizer": "sgd"}, "adam, sign"),
        ({"shift_draws": -1}, "shift_draws"),
        ({"num_random_init": -1}, "num_random_init"),
        ({"offsets": "missing.safetensors"}, "missing.safetensors"),
    ],
)
def test_bad_settings_are_refused(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Flickering(VideoClassifier(LinearClipModel()), **kwargs)
