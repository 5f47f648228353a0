"""What an evaluation will do, decided once and before anything is done."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.attacks.core.video_attack import VideoAttack
from advvid.checks import check_clips, check_count, check_labels
from advvid.data.source import ClipSource, MemoryClips
from advvid.errors import InputError
from advvid.estimator.clip_interface import Array
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation.condition import Condition, Setup, Strength
from advvid.evaluation.conditions.attack import LINF, plan_attacks
from advvid.evaluation.conditions.registry import CONDITIONS

Attacks = str | VideoAttack | Sequence[str | VideoAttack]
"""Names `NAME[:key=value,...]`, suites, or attacks built for the classifier; "none" for none."""

Conditions = str | Condition | Sequence[str | Condition]
"""Conditions, or their names `NAME[:key=value,...]`."""


@dataclass(frozen=True)
class Scoring:
    """How predictions are scored.

    Args:
        eot: passes that every prediction and gradient is averaged over.
        h264: constant rate factor, 0 to 51, of H.264 that results are also scored after, or None.
        law: step size of attacks whose text does not fix it.
        alarms: whether to measure what shows that gradients cannot be trusted.
    """

    eot: int = 1
    h264: int | None = None
    law: StepSizeLaw = PAPER_LAW
    alarms: bool = True

    def __post_init__(self) -> None:
        check_count("eot", self.eot)
        if self.h264 is not None and not (isinstance(self.h264, int) and 0 <= self.h264 <= 51):
            raise InputError(f"h264 is a constant rate factor from 0 to 51; got {self.h264!r}")


@dataclass(frozen=True)
class EvaluationPlan:
    """An evaluation before it begins.

    Args:
        setup: classifier, clips, batch size and seed.
        conditions: each ready to be applied.
        columns: strengths that make columns of tables.
        scoring: see `Scoring`.
        attacked: whether an attack is among the conditions.
    """

    setup: Setup
    conditions: Sequence[Condition]
    columns: tuple[Strength, ...]
    scoring: Scoring = field(default_factory=Scoring)
    attacked: bool = False

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The settings of every condition, for config.json."""
        return [
            {
                one.strength.axis.kind: one.name,
                one.strength.axis.name: one.strength.printed,
                "settings": dict(one.settings),
            }
            for one in self.conditions
        ]


def plan_evaluation(
    classifier: VideoClassifier,
    clips: Array | Tensor | ClipSource,
    labels: Array | Tensor | None = None,
    *,
    attacks: Attacks = ("pgd",),
    eps: Sequence[float] = (4 / 255, 8 / 255),
    conditions: Conditions = (),
    batch_size: int = 32,
    seed: int = 0,
    scoring: Scoring | None = None,
) -> EvaluationPlan:
    """List what an evaluation will do; whatever is wrong with its settings shows here.

    Args:
        classifier: see `evaluate`, as all arguments but `scoring`.

    Raises:
        InputError: when clips, labels, budgets, attacks or conditions cannot be used.
    """
    scoring = scoring or Scoring()
    check_count("batch_size", batch_size)
    setup = Setup(classifier, _source(classifier, clips, labels), batch_size, seed)
    attacked = plan_attacks(setup, attacks, eps, scoring.law)
    given = [conditions] if isinstance(conditions, str | Condition) else conditions
    others = [planned for one in given for planned in CONDITIONS.read(one).plan(setup)]
    planned: list[Condition] = [*attacked.conditions, *others]
    keys = [one.key for one in planned]
    for one in planned:
        if keys.count(one.key) > 1:
            raise InputError(f"{one.caption} is given twice: leave one out")
    strengths = dict.fromkeys(one.strength for one in others)
    columns = (
        *(Strength(budget, LINF) for budget in attacked.budgets),
        *sorted(strengths, key=lambda one: one.distance),
    )
    return EvaluationPlan(setup, planned, columns, scoring, bool(attacked.conditions))


def _source(
    classifier: VideoClassifier, clips: Array | Tensor | ClipSource, labels: Array | Tensor | None
) -> ClipSource:
    """Give arrays and tensors as a source."""
    if isinstance(clips, ClipSource):
        if labels is not None:
            raise InputError("a source of clips brings its labels along: leave labels out")
        return clips
    data = classifier.to_clips(clips).detach()
    check_clips(data, input_shape=classifier.clip_shape)
    if labels is None:
        return MemoryClips(data, None)
    targets = classifier.to_labels(labels).to(data.device)
    check_labels(targets, len(data), classifier.nb_classes)
    return MemoryClips(data, targets)
