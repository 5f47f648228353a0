"""Adversarial training (AT)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.core.budgets import one_budget
from advvid.defenses.core.defense import Prepared
from advvid.defenses.core.schedules import Schedule, as_schedule
from advvid.defenses.core.settings import AttackingDefense
from advvid.defenses.core.trainer import NamedTrainer
from advvid.defenses.core.training_attack import AttackingStep, TrainingAttack
from advvid.methods import Setting, check_settings
from advvid.random_streams import uniform
from advvid.training.task import CountedAttack, StepContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CleanShare = Annotated[float, Setting("share of clips that are not attacked", at_least=0, below=1)]


@dataclass
class AdversarialStep(AttackingStep):
    """Train on adversarial clips: min_theta E[CE(F(X + delta*), y)], delta* by the attack.

    Args:
        attack: makes the clips.
        eps: budget in [0, 1], fraction of the pixel range; a schedule makes a curriculum.
        clean_share: share of clips, in [0, 1), that are left as they are; which, each clip draws
            anew in every epoch.

    Raises:
        InputError: naming what is out of range.

    Source: Madry et al. 2018, Eq. 2.1; Kinfu and Vidal 2022, Eq. 5.
    """

    attack: TrainingAttack = field(default_factory=TrainingAttack)
    eps: float | Schedule = 8 / 255
    clean_share: CleanShare = 0.0

    def __post_init__(self) -> None:
        check_settings(self)
        one_budget(self.eps)
        self.attack.check_schedule("eps", self.eps)

    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        """Give loss and logits of the attacked batch; see `TrainStep`."""
        logits = model(self.perturb(clips, labels, context))
        return context.criterion(logits, labels), logits

    def attacks(self) -> Sequence[TrainingAttack]:
        """Give the one."""
        return [self.attack]

    def perturb(self, clips: Tensor, labels: Tensor, context: StepContext) -> Tensor:
        """Attack the batch, all but the clips that stay clean."""
        eps = as_schedule(self.eps).at(*context.progress)

        def attack(*given: Tensor) -> Tensor:
            return self.attacked(
                self.attack,
                context,
                *given,
                eps=eps,
                shared_seed=context.shared_seed,
                progress=context.progress,
            )

        if self.clean_share == 0:
            return attack(clips, labels, context.clip_seeds)
        drawn = uniform(context.clip_seeds, (1,), stream="clean share")[:, 0]
        chosen = drawn >= self.clean_share
        result = clips.clone()
        result[chosen] = attack(clips[chosen], labels[chosen], context.clip_seeds[chosen])
        return result

    def report(self, epoch: int, epochs: int, steps: int = 1) -> Mapping[str, Any]:
        """Report the budget at the beginning of an epoch, in 1/255, and all that a schedule sets.

        What the text of the attack fixes is left out.
        """
        progress = (epoch, epochs, epoch * steps, epochs * steps)
        values = {"eps": as_schedule(self.eps)}
        for name in ("eps_step", "max_iter"):
            if isinstance(value := getattr(self.attack, name), Schedule):
                values[name] = value
        return {
            name: round(schedule.at(*progress) * (1 if name == "max_iter" else 255), 6)
            for name, schedule in values.items()
            if name not in self.attack.spec.settings
        }

    def counted_attack(self, epoch: int, epochs: int, steps: int = 1) -> CountedAttack | None:
        """Say what the clips of an epoch were attacked with; see `Hooks`."""
        smallest = as_schedule(self.eps).smallest(epoch, epochs, steps)
        eps = self.attack.whole_clip_budget(smallest)
        return None if eps is None else CountedAttack(eps, 1 - self.clean_share)

    def figures(self, reports: list[Mapping[str, Any]]) -> Mapping[str, "Figure"]:
        """Draw the budgets of the epochs, where they change."""
        from advvid.figures.budget_curve import budget_curve

        budgets = [report["eps"] for report in reports if "eps" in report]
        return {"budgets.png": budget_curve(budgets)} if len(set(budgets)) > 1 else {}


@dataclass(frozen=True)
class AdversarialTraining(AttackingDefense):
    """Adversarial training on any attack; `AdversarialStep` does the work."""

    summary: ClassVar[str] = "adversarial training on any attack"
    passes: ClassVar[str] = "M + 1"

    clean_share: CleanShare = 0.0

    def budget(self) -> Schedule:
        """Give the budget over the run."""
        return one_budget(self.eps)

    def prepare(self, data: ClipDataset | None, *, seed: int = 0) -> Prepared:
        """Attack every clip; see `Defense.prepare`."""
        budget = self.budget()
        (attack,) = self.training_attacks()
        self.check_used([attack])
        step = AdversarialStep(attack, budget, self.clean_share)
        return self.prepared(step, data, attack.fair_budget(max(budget.values)))


class AdversarialTrainer(NamedTrainer):
    """Adversarial training (AT) behind ART's interface; see `NamedTrainer`."""

    kind = AdversarialTraining
    words = ("attack", "eps", "eps_step", "max_iter")
