"""Fast adversarial training: one step of FGSM from a random start."""

from dataclasses import dataclass
from typing import ClassVar

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.at import AdversarialStep
from advvid.defenses.core.budgets import one_budget
from advvid.defenses.core.defense import Defense, Prepared
from advvid.defenses.core.schedules import Schedule
from advvid.defenses.core.settings import BatchNorm, Eps
from advvid.defenses.core.trainer import NamedTrainer
from advvid.defenses.core.training_attack import AttackBatchNorm, TrainingAttack
from advvid.methods.arguments import checked


@checked
def fast_step(
    eps: float | Schedule = 8 / 255, *, batch_norm: AttackBatchNorm = "eval"
) -> AdversarialStep:
    """Make the step of fast adversarial training: FGSM from a random start, alpha = 1.25 eps.

    Costs one gradient a clip on top of training. Robustness to PGD can collapse from one epoch to
    the next (catastrophic overfitting): keep the best weights by their accuracy under PGD.

    Args:
        eps: budget, a fraction of the pixel range.
        batch_norm: of the attack, see `TrainingAttack`.

    Source: Wong, Rice and Kolter 2020, "Fast is better than free", Algorithm 3.
    """
    rule = StepSizeLaw(1.25, 0.0)
    return AdversarialStep(TrainingAttack("pgd", rule, 1, True, batch_norm), eps)


@dataclass(frozen=True)
class FastTraining(Defense):
    """Fast adversarial training; see `fast_step`."""

    summary: ClassVar[str] = "FGSM from a random start"
    passes: ClassVar[str] = "2"

    eps: Eps = 8 / 255
    attack_batch_norm: BatchNorm = "eval"

    def prepare(self, data: ClipDataset | None, *, seed: int = 0) -> Prepared:
        """Attack every clip by one step; see `Defense.prepare`."""
        budget = one_budget(self.eps)
        step = fast_step(budget, batch_norm=self.attack_batch_norm)
        return self.prepared(step, data, max(budget.values))


class FastTrainer(NamedTrainer):
    """Fast adversarial training behind ART's interface; see `NamedTrainer`."""

    kind = FastTraining
    words = ("eps",)
