"""Planted gradient masks are beaten or flagged; what hides nothing raises no alarm."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import advvid
from advvid.evaluation import Evaluation, evaluate
from tests.clip_models import CLASSES, CLIP_SHAPE, LinearClipModel, bent_model
from tests.gradient_masks import HARMLESS, MASKS, Wrapped, Wrapper

CLIPS = 24
CLOSE = 2
"""A mask is beaten where the worst case leaves at most so many clips more than without it."""

Case = tuple[nn.Module, Tensor, Tensor]


def evaluated(case: Case, wrapper: Wrapper, attacks: list[str], eps: float) -> Evaluation:
    model, clips, labels = case
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return evaluate(
            advvid.VideoClassifier(Wrapped(model, wrapper)), clips, labels, attacks=attacks, eps=eps
        )


SMALL_EPS = 12 / 255
SMALL_ATTACKS = ["random-noise", "pgd", "pgd:loss=cw", "square:queries=100"]


def small_case() -> Case:
    """A small network, and clips that it is right about and is fooled on by a budget of 12/255."""
    model = bent_model()
    clips = 0.1 + 0.8 * torch.rand(CLIPS, *CLIP_SHAPE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model, clips, model(clips).argmax(1)


def small(wrapper: Wrapper) -> Evaluation:
    return evaluated(small_case(), wrapper, SMALL_ATTACKS, SMALL_EPS)


def test_the_honest_model_is_beaten() -> None:
    found = small(HARMLESS["plain"])
    assert found.clean.sum() == CLIPS
    assert found.worst(SMALL_EPS).sum() == 0


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_is_beaten_or_flagged(name: str) -> None:
    found = small(MASKS[name])
    assert found.worst(SMALL_EPS).sum() <= CLOSE or found.alarms
    for alarm in found.alarms:
        assert "\n" not in alarm.message


@pytest.mark.parametrize("name", HARMLESS)
def test_what_hides_nothing_raises_no_alarm(name: str) -> None:
    assert [alarm.message for alarm in small(HARMLESS[name]).alarms] == []


WRONG = "gradients disagree with finite differences"


@pytest.mark.parametrize(
    ("mask", "alarm", "words"),
    [
        ("gradient through one frame", "zero gradients in frames", "frames 0-2 (of 0-3)"),
        ("gradient through half the frames", "zero gradients in frames", "frames 2-3 (of 0-3)"),
        ("gradient through one channel", "zero gradients in channels", "channels green, blue"),
        ("gradient through two channels", "zero gradients in channels", "channels blue,"),
        ("flipped signs", WRONG, "points downhill: its sign is flipped"),
        ("flipped in every second frame", WRONG, "points downhill in frames 1, 3 (of 0-3)"),
        ("detached, decoy of another model", WRONG, "is wrong, or random"),
        ("gradient scaled", "gradients are scaled", "1e+03 times"),
        ("softmax", "outputs look like probabilities", "leave the softmax out"),
        ("batch-normalized pixels", "outputs depend on the batch", "batch_size=1"),
        ("saturated tanh", "a white box far weaker than the best", "pgd leaves"),
    ],
)
def test_an_alarm_says_what_is_wrong(mask: str, alarm: str, words: str) -> None:
    messages = {one.name: one.message for one in small(MASKS[mask]).alarms}
    assert words.rstrip(",") in messages[alarm]
    if words.endswith(","):
        assert words in messages[alarm]


class BestFrames(nn.Module):
    """Each class looks at the frame that shows it best: most frames have no say in a margin."""

    num_classes = 40

    def __init__(self) -> None:
        super().__init__()
        self.heads = LinearClipModel((3, 64), self.num_classes)

    def forward(self, clips: Tensor) -> Tensor:
        frames = clips.transpose(1, 2).flatten(0, 1)
        best: Tensor = self.heads(frames).unflatten(0, (len(clips), -1)).amax(dim=1)
        return best


def test_frames_that_move_other_classes_only_hide_nothing() -> None:
    clips = small_case()[1]
    found = evaluate(advvid.VideoClassifier(BestFrames()), clips, attacks="random-noise")
    assert sum(found.probes["hidden_frames"]) <= CLIPS // 8
    assert not [one.name for one in found.alarms if "frames" in one.name]


class Rough(nn.Module):
    """Along a step of a level, each logit goes through a good part of a wave."""

    num_classes = CLASSES

    def __init__(self) -> None:
        super().__init__()
        self.inner = LinearClipModel(classes=CLASSES)

    def forward(self, clips: Tensor) -> Tensor:
        waves: Tensor = torch.sin(500 * self.inner(clips))
        return waves


def test_a_rough_loss_is_measured_along_a_finer_step() -> None:
    clips = small_case()[1]
    found = evaluate(advvid.VideoClassifier(Rough()), clips, attacks="random-noise")
    assert found.probes["step"] == 1 / 4
    assert found.probes["agreement"] > 0.95
    assert WRONG not in [one.name for one in found.alarms]


def test_a_batch_of_one_depends_on_no_other_clip() -> None:
    model, clips, labels = small_case()
    classifier = advvid.VideoClassifier(Wrapped(model, MASKS["batch-normalized pixels"]))
    found = evaluate(classifier, clips, labels, attacks=["pgd"], eps=SMALL_EPS, batch_size=1)
    assert "outputs depend on the batch" not in [one.name for one in found.alarms]


def test_probes_of_a_clip_depend_on_no_other_clip() -> None:
    """Directions are drawn clip by clip: a batch of another size measures the same."""
    model, clips, labels = small_case()
    classifier = advvid.VideoClassifier(model, nb_classes=CLASSES)
    whole, parts = (
        evaluate(classifier, clips, labels, batch_size=size, eps=SMALL_EPS).probes
        for size in (32, 5)
    )
    for name in ("agreement", "scale", "frame_scales", "channel_errors"):
        # Errors of the fit are near 0, where all that is left is rounding.
        assert whole[name] == pytest.approx(parts[name], rel=1e-3, abs=1e-6)


def test_a_linear_model_agrees_with_its_gradient_exactly() -> None:
    model = LinearClipModel(classes=CLASSES)
    clips = small_case()[1]
    found = evaluate(advvid.VideoClassifier(model), clips, eps=SMALL_EPS).probes
    assert found["agreement"] == pytest.approx(1, abs=1e-5)
    assert found["frame_scales"] == pytest.approx([1] * 4, abs=1e-3)
    assert found["channel_scales"] == pytest.approx([1] * 3, abs=1e-3)


BUNDLED_EPS = 4 / 255


def bundled(wrapper: Wrapper, attacks: list[str], **loaded: Any) -> Evaluation:
    model = advvid.load_model("motions-r3d", **loaded)
    clips, labels = advvid.load_dataset("motions").sample(12, seed=1)
    return evaluated((model, clips, labels), wrapper, attacks, BUNDLED_EPS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("saturated tanh", "noise of the content", "gradient through one channel"),
        *("detached, decoy of another model", "batch-normalized pixels"),
    ],
)
def test_a_mask_of_the_bundled_model_is_beaten_or_flagged(name: str) -> None:
    found = bundled(MASKS[name], ["pgd"])
    assert found.worst(BUNDLED_EPS).sum() <= CLOSE // 2 or found.alarms


@pytest.mark.slow
@pytest.mark.parametrize("name", ["every second frame", "gray"])
def test_wrappers_of_the_bundled_model_raise_no_alarm(name: str) -> None:
    assert [one.message for one in bundled(HARMLESS[name], ["random-noise"]).alarms] == []


def test_probabilities_are_seen_where_passes_are_averaged_too() -> None:
    model, clips, labels = small_case()
    classifier = advvid.VideoClassifier(Wrapped(model, MASKS["softmax"]))
    found = evaluate(classifier, clips, labels, attacks=["random-noise"], eps=SMALL_EPS, eot=2)
    assert "outputs look like probabilities" in [one.name for one in found.alarms]
