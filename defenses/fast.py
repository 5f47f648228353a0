"""Fast adversarial training: one step of FGSM from a random start."""

from typing import Any

from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.at import AdversarialStep
from advvid.defenses.core.defense import EPS_8, Budgets, Defense, one_budget
from advvid.defenses.core.schedules import Schedule
from advvid.defenses.core.step_rules import read_step_rule
from advvid.defenses.core.training_attack import AttackBatchNorm, TrainingAttack
from advvid.defenses.core.video_trainer import StepTrainer
from advvid.estimator.video_classifier import VideoClassifier


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
    attack = TrainingAttack(
        eps_step=read_step_rule("1.25x"),
        max_iter=1,
        random_start=True,
        batch_norm=batch_norm,
    )
    return AdversarialStep(attack, eps)


def build_fast(
    data: ClipDataset,
    *,
    eps: Budgets = EPS_8,
    attack_batch_norm: AttackBatchNorm = "eval",
) -> Defense:
    """Make fast training from the options of the command line."""
    budgets = one_budget(eps)
    return Defense(fast_step(budgets, batch_norm=attack_batch_norm), data, max(budgets.values))


class FastTrainer(StepTrainer):
    """Fast adversarial training; see `fast_step`.

    Args:
        classifier: an `advvid.VideoClassifier`.
        eps: budget, a fraction of the pixel range.
        training: further arguments of `VideoTrainer`.
    """

    def __init__(self, classifier: VideoClassifier, eps: float = 8 / 255, **training: Any) -> None:
        super().__init__(classifier, fast_step(eps), eps, **training)
