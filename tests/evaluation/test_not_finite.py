"""NaN, infinite and integer logits are no answers."""

import pytest
import torch
from torch import Tensor

import advvid
from advvid.attacks import LinfPGD
from advvid.errors import InputError
from advvid.evaluation import evaluate
from tests.clip_models import CLASSES, LinearClipModel, random_clips


class Broken(LinearClipModel):
    """Answers as it should, but for some clips."""

    def __init__(self, value: float = torch.nan, *, off_the_grid: bool = False) -> None:
        super().__init__(classes=CLASSES)
        self.value, self.off_the_grid = value, off_the_grid

    def forward(self, clips: Tensor) -> Tensor:
        logits = super().forward(clips)
        levels = clips * 255
        off = ((levels - levels.round()).abs() > 0.01).flatten(1).any(dim=1)
        bad = off if self.off_the_grid else torch.arange(len(clips)) % 3 == 1
        return torch.where(bad[:, None], self.value, logits)


class Deciding(LinearClipModel):
    def forward(self, clips: Tensor) -> Tensor:
        return super().forward(clips).round().long()


def grid_clips() -> tuple[Tensor, Tensor]:
    clips, labels = random_clips(6)
    return (clips * 255).round() / 255, labels


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_logits_that_are_not_finite_are_refused(value: float) -> None:
    classifier = advvid.VideoClassifier(Broken(value))
    clips, labels = grid_clips()
    with pytest.raises(InputError, match="NaN or infinite logits for 2 of 6 clips") as error:
        evaluate(classifier, clips, labels, attacks=[])
    assert "under no condition" in str(error.value)
    with pytest.raises(InputError, match="2 of 6 clips"):
        classifier.predict(clips.numpy())
    with pytest.raises(InputError, match="2 of 6 clips"):
        classifier.logits(clips)


@pytest.mark.parametrize("alarms", [False, True])
def test_nan_under_attack_alone_names_the_condition(alarms: bool) -> None:
    classifier = advvid.VideoClassifier(Broken(off_the_grid=True))
    clips, _ = grid_clips()
    assert evaluate(classifier, clips, attacks=[]).clean.all()
    words = "NaN or infinite logits" if alarms else "under random-noise, eps 8/255"
    with pytest.raises(InputError, match=words):
        evaluate(classifier, clips, attacks="random-noise", eps=[8 / 255], alarms=alarms)


def test_integer_logits_are_refused_by_everything() -> None:
    classifier = advvid.VideoClassifier(Deciding(classes=CLASSES))
    clips, labels = grid_clips()
    for call in (
        lambda: evaluate(classifier, clips, labels, attacks=[]),
        lambda: LinfPGD(classifier, eps=8 / 255, max_iter=1).generate(clips, labels),
        lambda: advvid.sweep_step_size(classifier, clips, labels, eps=[8 / 255], max_steps=1),
    ):
        with pytest.raises(InputError, match="floating-point logits; got torch"):
            call()
