"""What an evaluation will do, decided once and before anything is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.checks import as_budgets, check_count
from advvid.errors import InputError, shown
from advvid.evaluation.condition import Condition, Setup, Strength
from advvid.evaluation.conditions.attack import LINF, Attacks, as_list, plan_attacks
from advvid.evaluation.conditions.registry import CONDITIONS
from advvid.evaluation.conditions.suites import untargetable
from advvid.evaluation.conditions.target import GivenTarget, Target
from advvid.methods.arguments import checked

Conditions = str | Condition | Sequence[str | Condition]
"""Conditions, or their names `NAME[:key=value,...]`."""


@checked
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
            raise InputError(f"h264 is a constant rate factor from 0 to 51; got {shown(self.h264)}")


@dataclass(frozen=True)
class EvaluationPlan:
    """An evaluation before it begins.

    Args:
        setup: see `Setup`, as `scoring` see `Scoring`.
        conditions: each ready to be applied.
        columns: strengths that make columns of tables.
        target: class that every attack is to make each clip look like, or None for any wrong one.
        untargeted: attacks of suites that are left out, because they cannot be targeted.
        without_gradient: attacks that are left out, because the model gives no gradient.
    """

    setup: Setup
    conditions: Sequence[Condition]
    columns: tuple[Strength, ...]
    scoring: Scoring
    target: Target | None = None
    untargeted: tuple[str, ...] = ()
    without_gradient: tuple[str, ...] = ()

    @property
    def attacked(self) -> bool:
        """Whether there are attacks."""
        return any(one.strength.axis.kind == "attack" for one in self.conditions)

    def adapted(self, probes: Mapping[str, Any]) -> "EvaluationPlan":
        """Give the plan once the model is probed, see `Condition.adapted`.

        Raises:
            InputError: when no attack is left.
        """
        after = [one.adapted(probes) for one in self.conditions]
        pairs = zip(self.conditions, after, strict=True)
        lost = tuple(dict.fromkeys(before.name for before, now in pairs if now is None))
        # One that searches longer may now be one that was asked for by itself.
        kept = {one.key: one for one in after if one is not None}
        plan = replace(self, conditions=list(kept.values()), without_gradient=lost)
        if lost and not plan.attacked:
            raise InputError(
                f"the model gives no gradient with respect to its clips (a detach, no_grad or "
                f"numpy inside), and {', '.join(lost)} cannot attack without: add an attack that "
                "needs none, such as square, or mend the model"
            )
        return plan

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


@checked
def plan_evaluation(
    setup: Setup,
    *,
    attacks: Attacks = ("pgd",),
    eps: float | Sequence[float] = (4 / 255, 8 / 255),
    conditions: Conditions = (),
    scoring: Scoring | None = None,
    target: GivenTarget = None,
) -> EvaluationPlan:
    """List what an evaluation will do; for attacks, budgets, conditions and target see `evaluate`.

    Raises:
        InputError: when budgets, attacks, conditions or target cannot be used.
    """
    scoring = scoring or Scoring()
    check_count("batch_size", setup.batch_size)
    aim = None if target is None else Target.read(target, setup)
    targeted = aim is not None
    attacked, budgets = plan_attacks(
        setup, attacks, as_budgets(eps), scoring.law, targeted=targeted
    )
    if targeted and not attacked:
        raise InputError("a target is given and no attack: name one, such as pgd, or no target")
    given = [conditions] if isinstance(conditions, str | Condition) else conditions
    others = [planned for one in given for planned in CONDITIONS.read(one).plan(setup)]
    planned: list[Condition] = [*attacked, *others]
    for one in others:
        if aim is not None and one.strength.axis.kind == "attack":
            raise InputError(f"{one.name} has no target: leave it out, or the target")
    keys = [one.key for one in planned]
    for one in planned:
        if keys.count(one.key) > 1:
            raise InputError(f"{one.caption} is given twice: leave one out")
    # A set would forget the order of axes.
    at = [*(Strength(budget, LINF) for budget in budgets), *(one.strength for one in others)]
    different = [one for n, one in enumerate(at) if not any(map(one.equals, at[:n]))]
    axes = list(dict.fromkeys(one.axis for one in at))
    columns = tuple(sorted(different, key=lambda one: (axes.index(one.axis), one.distance)))
    texts = [one for one in as_list(attacks) if isinstance(one, str)]
    left_out = tuple(untargetable(texts)) if targeted else ()
    return EvaluationPlan(setup, planned, columns, scoring, aim, left_out)
