"""Curriculum adversarial training (CAT): the budget changes as training goes on."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

from advvid.checks import check_budget
from advvid.defenses.at import AdversarialStep, AdversarialTraining
from advvid.defenses.core.budgets import one_budget
from advvid.defenses.core.schedules import Kind, Per, Schedule
from advvid.defenses.core.settings import Eps
from advvid.defenses.core.trainer import NamedTrainer
from advvid.defenses.core.training_attack import TrainingAttack
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.methods import Setting
from advvid.methods.arguments import checked

Direction = Literal["up", "down"]


@checked
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
    check_budget(eps)
    if direction not in get_args(Direction):
        raise InputError(f"the direction of a curriculum is up or down; got {direction!r}")
    if kind not in ("linear", "cosine"):
        raise InputError(f"a curriculum between two budgets is linear or cosine; got {kind!r}")
    ends = (0.0, eps) if direction == "up" else (eps, 0.0)
    return Schedule(kind, ends, per)


@checked
def curriculum_step(
    eps: float = 12 / 255, *, attack: TrainingAttack | None = None, **options: Any
) -> AdversarialStep:
    """Make the step of curriculum adversarial training; `options` as for `curriculum`."""
    return AdversarialStep(attack or TrainingAttack(), curriculum(eps, **options))


@dataclass(frozen=True)
class CurriculumTraining(AdversarialTraining):
    """Adversarial training whose budget rises from 0, or falls to 0; see `curriculum`."""

    summary: ClassVar[str] = "curriculum: the budget rises (or falls)"

    eps: Eps = 12 / 255
    direction: Annotated[Direction, Setting("of the budget: up from 0, or down to 0")] = "up"

    def budget(self) -> Schedule:
        """Give the budget over the run."""
        budget = one_budget(self.eps)
        if budget.kind == "constant":
            return curriculum(budget.values[0], direction=self.direction)
        if self.direction != "up":
            raise InputError("a schedule of budgets has a direction already: leave direction out")
        return budget


class CurriculumTrainer(NamedTrainer):
    """Curriculum adversarial training (CAT) behind ART's interface; see `curriculum`."""

    kind = CurriculumTraining

    def __init__(
        self,
        classifier: VideoClassifier,
        eps: float = 12 / 255,
        direction: Direction = "up",
        kind: Kind = "linear",
        per: Per = "epoch",
        **options: Any,
    ) -> None:
        budget = curriculum(eps, direction=direction, kind=kind, per=per)
        super().__init__(classifier, eps=budget, **options)
