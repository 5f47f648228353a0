"""Curriculum adversarial training (CAT): the budget changes as training goes on."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.at import (
    AdversarialStep,
    AdversarialTrainer,
    build_adversarial,
)
from advvid.defenses.core.defense import EPS_12, FIVE_STEPS, Budgets, Defense, one_budget
from advvid.defenses.core.schedules import Kind, Per, Schedule
from advvid.defenses.core.step_rules import EQUAL_TO_BUDGET
from advvid.defenses.core.training_attack import AttackBatchNorm, TrainingAttack
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier

Direction = Literal["up", "down"]


def curriculum(
    eps: float, *, direction: Direction = "up", kind: Kind = "linear", per: Per = "epoch"
) -> Schedule:
    """Make the budgets of a curriculum: from 0 to eps, or from eps to 0.

    The first epoch of "up" is clean, the last has the whole budget. (The authors' code goes from
    1/255 on and never reaches eps; their paper says from 0 to 12.)

    Args:
        eps: largest budget, a fraction of the pixel range.
        direction: "up", or "down", which the paper found to be much worse.
        kind: "linear" or "cosine"; other curricula are `Schedule`s of their own.
        per: whether the budget changes with the epochs or with the iterations.

    Raises:
        InputError: for another direction or kind.

    Source: Kinfu and Vidal 2022, sec. 4.2 and Table 2.
    """
    if direction not in get_args(Direction):
        raise InputError(f"the direction of a curriculum is up or down; got {direction!r}")
    if kind not in ("linear", "cosine"):
        raise InputError(f"a curriculum between two budgets is linear or cosine; got {kind!r}")
    ends = (0.0, eps) if direction == "up" else (eps, 0.0)
    return Schedule(kind, ends, per)


def curriculum_step(
    eps: float = 12 / 255,
    *,
    direction: Direction = "up",
    kind: Kind = "linear",
    per: Per = "epoch",
    attack: TrainingAttack | None = None,
) -> AdversarialStep:
    """Make the step of curriculum adversarial training; see `curriculum`."""
    budgets = curriculum(eps, direction=direction, kind=kind, per=per)
    return AdversarialStep(attack or TrainingAttack(), budgets)


def build_curriculum(
    data: ClipDataset,
    *,
    eps: Budgets = EPS_12,
    direction: Direction = "up",
    attack: Sequence[str] = ("pgd",),
    step_rule: StepSizeLaw | Schedule = EQUAL_TO_BUDGET,
    attack_steps: Schedule = FIVE_STEPS,
    clean_share: float = 0.0,
    random_start: bool = False,
    attack_batch_norm: AttackBatchNorm = "eval",
) -> Defense:
    """Make curriculum training from the options of the command line."""
    budget = one_budget(eps)
    if budget.kind == "constant":
        budget = curriculum(budget.values[0], direction=direction)
    elif direction != "up":
        raise InputError("a schedule of budgets has a direction already: leave direction out")
    return build_adversarial(
        data,
        eps=budget,
        attack=attack,
        step_rule=step_rule,
        attack_steps=attack_steps,
        clean_share=clean_share,
        random_start=random_start,
        attack_batch_norm=attack_batch_norm,
    )


class CurriculumTrainer(AdversarialTrainer):
    """Curriculum adversarial training (CAT); see `curriculum`.

    Args:
        classifier: an `advvid.VideoClassifier`.
        eps: largest budget, a fraction of the pixel range.
        direction: "up" from 0, or "down" to 0.
        kind: "linear" or "cosine".
        per: "epoch" or "iteration".
        options: further arguments of `AdversarialTrainer`.
    """

    def __init__(
        self,
        classifier: VideoClassifier,
        eps: float = 12 / 255,
        direction: Direction = "up",
        kind: Kind = "linear",
        per: Per = "epoch",
        **options: Any,
    ) -> None:
        budgets = curriculum(eps, direction=direction, kind=kind, per=per)
        super().__init__(classifier, eps=budgets, **options)
