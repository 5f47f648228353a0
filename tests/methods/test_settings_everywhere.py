"""Settings of every kind that users build, with values of wrong types: one line each."""

from collections.abc import Callable
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


DATACLASSES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        *(TrainSettings, DatasetOptions, Scoring, FlickeringObjective, TrainingAttack),
        *(AdversarialStep, TradesStep, Schedule, Choice, StepSizeLaw),
        *SAMPLERS.values(),
        *AUGMENTATIONS.values(),
        *DEFENSES.values(),
        *CONDITIONS.values(),
    )
}
NEEDED: dict[str, dict[str, Any]] = {
    "Schedule": {"kind": "constant", "values": (1.0,)},
    "Choice": {"attack": TrainingAttack(), "eps": 0.1},
    "StepSizeLaw": {"slope": 0.2, "intercept": 0.2},
}


def maker(kind: str) -> tuple[Make, list[str]]:
    if kind in DATACLASSES:
        return of_dataclass(DATACLASSES[kind], **NEEDED.get(kind, {}))
    return of_attack(ATTACKS[kind])


@pytest.mark.parametrize("kind", [*DATACLASSES, *ATTACKS])
def test_a_value_of_another_type_is_one_line_that_names_the_setting(kind: str) -> None:
    make, names = maker(kind)
    for name in names:
        for value in WRONG:
            line = refusal(make, name, value)
            assert line, f"{kind} takes a {type(value).__name__} as {name}"
            assert line.isprintable()
            assert len(line) < 400
