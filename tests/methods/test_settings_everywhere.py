"""Settings of every kind that users build, with values of wrong types: one line each."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import pytest

import advvid
from advvid.attacks import StepSizeLaw
from advvid.attacks.flickering.objective import FlickeringObjective
from advvid.attacks.registry import ATTACKS
from advvid.augmentation.registry import AUGMENTATIONS
from advvid.data.options import DatasetOptions
from advvid.data.sampling import SAMPLERS
from advvid.defenses import DEFENSES, Schedule
from advvid.defenses.at import AdversarialStep
from advvid.defenses.core.adaptive_choices import Choice
from advvid.defenses.core.training_attack import TrainingAttack
from advvid.defenses.trades import TradesStep
from advvid.errors import InputError
from advvid.evaluation.conditions.registry import CONDITIONS
from advvid.evaluation.plan import Scoring
from advvid.training import TrainSettings
from tests.clip_models import CLASSES, CLIP_SHAPE, small_model

# Of no setting's type; a number out of all ranges among them.
WRONG = (object(), {"a": 1}, b"x", 1j, 10**5000, float("nan"), [[1], [2]], Ellipsis, {1, 2})

Make = Callable[..., object]


def of_dataclass(kind: Any, /, **base: Any) -> tuple[Make, list[str]]:
    return lambda **given: kind(**{**base, **given}), [one.name for one in fields(kind) if one.init]


def of_attack(entry: Any) -> tuple[Make, list[str]]:
    classifier = advvid.VideoClassifier(small_model(), input_shape=CLIP_SHAPE, nb_classes=CLASSES)
    return lambda **given: entry.build(classifier, **given), list(entry.settings())


def refusal(make: Make, name: str, value: object) -> str:
    """Give the line of the error, or "" where the value is taken; any other error is raised."""
    try:
        make(**{name: value})
    except InputError as error:
        return str(error)
    return ""


KINDS: Mapping[str, Callable[..., tuple[Make, list[str]]]] = {
    kind.__name__: lambda kind=kind: of_dataclass(kind)  # type: ignore[misc]
    for kind in (
        *(TrainSettings, DatasetOptions, Scoring, FlickeringObjective, TrainingAttack),
        *(AdversarialStep, TradesStep),
        *SAMPLERS.values(),
        *AUGMENTATIONS.values(),
        *DEFENSES.values(),
        *CONDITIONS.values(),
    )
} | {
    "Schedule": lambda: of_dataclass(Schedule, kind="constant", values=(1.0,)),
    "Choice": lambda: of_dataclass(Choice, attack=TrainingAttack(), eps=0.1),
    "StepSizeLaw": lambda: of_dataclass(StepSizeLaw, slope=0.2, intercept=0.2),
    **{name: lambda entry=entry: of_attack(entry) for name, entry in ATTACKS.items()},  # type: ignore[misc]
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_value_of_another_type_is_one_line_that_names_the_setting(kind: str) -> None:
    make, names = KINDS[kind]()
    for name in names:
        for value in WRONG:
            line = refusal(make, name, value)
            assert line, f"{kind} takes a {type(value).__name__} as {name}"
            assert line.isprintable()
            assert len(line) < 400
