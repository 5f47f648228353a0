"""Adversarial training (AT)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.checks import check_budget
from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.core.defense import EPS_8, FIVE_STEPS, Budgets, Defense, one_budget
from advvid.defenses.core.schedules import Schedule, as_schedule
from advvid.defenses.core.step_rules import EQUAL_TO_BUDGET
from advvid.defenses.core.training_attack import AttackBatchNorm, TrainingAttack
from advvid.defenses.core.video_trainer import StepTrainer
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.random_streams import uniform
from advvid.training.step import Step
from advvid.training.task import StepContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class AdversarialStep(Step):
    """Train on adversarial clips: min_theta E[CE(F(X + delta*), y)], delta* by the attack.

    Args:
        attack: makes the clips.
        eps: budget in [0, 1], fraction of the pixel range; a schedule makes a curriculum.
        eps_step: step size, a fraction, as a schedule, at least a hundredth of the budget; None
            leaves it to the rule of the attack.
        max_iter: steps of the attack as a schedule; None leaves them to the attack.
        clean_share: share of clips, in [0, 1), that are left as they are; which, each clip draws
            anew in every epoch.

    Raises:
        InputError: naming what is out of range.

    Source: Madry et al. 2018, Eq. 2.1; Kinfu and Vidal 2022, Eq. 5.
    """

    attack: TrainingAttack = field(default_factory=TrainingAttack)
    eps: float | Schedule = 8 / 255
    eps_step: Schedule | None = None
    max_iter: Schedule | None = None
    clean_share: float = 0.0

    def __post_init__(self) -> None:
        check_budgets(self.eps)
        if not 0 <= self.clean_share < 1:
            raise InputError(f"clean_share must be at least 0 and below 1; got {self.clean_share}")
        for name, schedule, least in (
            ("eps_step", self.eps_step, 0),
            ("max_iter", self.max_iter, 1),
        ):
            if schedule is not None and not min(schedule.values) >= least:
                raise InputError(f"{name} must be at least {least}; got {schedule.values}")

    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        """Give loss and logits of the attacked batch; see `TrainStep`."""
        logits = model(self.perturb(clips, labels, context))
        return context.criterion(logits, labels), logits

    def perturb(self, clips: Tensor, labels: Tensor, context: StepContext) -> Tensor:
        """Attack the batch, all but the clips that stay clean."""
        now = self._now(context.epoch, context.epochs, context.iteration, context.total)

        def attack(clips: Tensor, labels: Tensor, seeds: Tensor) -> Tensor:
            return self.attack(
                context.bare, clips, labels, seeds, shared_seed=context.shared_seed, **now
            )

        if self.clean_share == 0:
            return attack(clips, labels, context.clip_seeds)
        drawn = uniform(context.clip_seeds, (1,), stream="clean share")[:, 0]
        chosen = drawn >= self.clean_share
        result = clips.clone()
        result[chosen] = attack(clips[chosen], labels[chosen], context.clip_seeds[chosen])
        return result

    def report(self, epoch: int, epochs: int, steps: int = 1) -> Mapping[str, Any]:
        """Tell what was in force at the beginning of an epoch, in 1/255.

        What the text of the attack fixes is left out.
        """
        found: dict[str, Any] = {}
        fixed = self.attack.spec.settings
        for name, scale in (("eps", 255), ("eps_step", 255), ("max_iter", 1)):
            value = getattr(self, name)
            if value is not None and name not in fixed:
                schedule = as_schedule(value)
                first, total = epoch * steps, epochs * steps
                found[name] = round(scale * schedule.at(epoch, epochs, first, total), 6)
        return found

    def figures(self, reports: list[Mapping[str, Any]]) -> Mapping[str, "Figure"]:
        """Draw the budgets of the epochs, where they change."""
        from advvid.figures.budget_curve import budget_curve

        budgets = [report["eps"] for report in reports if "eps" in report]
        return {"budgets.png": budget_curve(budgets)} if len(set(budgets)) > 1 else {}

    def _now(self, epoch: int, epochs: int, iteration: int, total: int) -> dict[str, Any]:
        """Read all schedules."""

        def read(schedule: Schedule) -> float:
            return schedule.at(epoch, epochs, iteration, total)

        eps = read(as_schedule(self.eps))
        return {
            "eps": eps,
            # A step of 0 would be none: the floor is that of laws.
            "eps_step": None if self.eps_step is None else max(read(self.eps_step), 0.01 * eps),
            "max_iter": None if self.max_iter is None else max(1, round(read(self.max_iter))),
        }


def check_budgets(eps: float | Schedule) -> None:
    """Refuse budgets outside of [0, 1].

    Raises:
        InputError: naming the budget.
    """
    for value in as_schedule(eps).values:
        if value != 0:
            check_budget(value)


def build_adversarial(
    data: ClipDataset,
    *,
    eps: Budgets = EPS_8,
    attack: Sequence[str] = ("pgd",),
    step_rule: StepSizeLaw | Schedule = EQUAL_TO_BUDGET,
    attack_steps: Schedule = FIVE_STEPS,
    clean_share: float = 0.0,
    random_start: bool = False,
    attack_batch_norm: AttackBatchNorm = "eval",
) -> Defense:
    """Make adversarial training from the options of the command line."""
    budgets = one_budget(eps)
    if len(attack) != 1:
        raise InputError(f"this defense trains on one attack, not {len(attack)}: use aat for more")
    made = TrainingAttack(
        attack[0],
        step_rule if isinstance(step_rule, StepSizeLaw) else EQUAL_TO_BUDGET,
        random_start=random_start,
        batch_norm=attack_batch_norm,
    )
    step = AdversarialStep(
        made,
        budgets,
        eps_step=step_rule if isinstance(step_rule, Schedule) else None,
        max_iter=attack_steps,
        clean_share=clean_share,
    )
    for name, value in (("eps", budgets), ("eps_step", step_rule), ("max_iter", attack_steps)):
        scheduled = isinstance(value, Schedule) and value.kind != "constant"
        if scheduled and (name in made.spec.settings or name not in made.spec.entry.settings()):
            raise InputError(f"{attack[0]} has an {name} that no schedule can change")
    return Defense(step, data, made.check_budget(max(budgets.values)))


class AdversarialTrainer(StepTrainer):
    """Adversarial training (AT); `AdversarialStep` does the work.

    Args:
        classifier: an `advvid.VideoClassifier`.
        attack: of the registry, `NAME[:key=value,...]`.
        eps: budget, a fraction of the pixel range, or a schedule.
        eps_step: step size as a rule of the budget; step = eps unless given.
        max_iter: attack steps, or a schedule.
        clean_share: share of clips that are not attacked.
        random_start: of the attack.
        batch_norm: of the model while it is attacked, "eval" or "train".
        training: further arguments of `VideoTrainer`.
    """

    def __init__(
        self,
        classifier: VideoClassifier,
        attack: str = "pgd",
        eps: float | Schedule = 8 / 255,
        eps_step: StepSizeLaw = EQUAL_TO_BUDGET,
        max_iter: int | Schedule = 5,
        *,
        clean_share: float = 0.0,
        random_start: bool = False,
        batch_norm: AttackBatchNorm = "eval",
        **training: Any,
    ) -> None:
        steps = max_iter if isinstance(max_iter, Schedule) else None
        made = TrainingAttack(
            attack, eps_step, max_iter if isinstance(max_iter, int) else 5, random_start, batch_norm
        )
        step = AdversarialStep(made, eps, max_iter=steps, clean_share=clean_share)
        budget = made.check_budget(max(as_schedule(eps).values))
        super().__init__(classifier, step, budget, **training)
