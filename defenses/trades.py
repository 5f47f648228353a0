"""TRADES: trade accuracy on clean clips against agreement between clean and adversarial ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.pgd import linf_pgd
from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.core.budgets import one_budget
from advvid.defenses.core.defense import Defense, Prepared
from advvid.defenses.core.schedules import Schedule, as_schedule, check_steps
from advvid.defenses.core.settings import FIVE_STEPS, AttackSteps, Eps, Rule
from advvid.defenses.core.step_rules import EQUAL_TO_BUDGET, StepRule, step_size
from advvid.defenses.core.trainer import NamedTrainer
from advvid.inference.frozen import Model, frozen
from advvid.methods import Setting, check_settings
from advvid.training.labels import hard_labels
from advvid.training.step import Step
from advvid.training.task import CountedAttack, StepContext

Beta = Annotated[float, Setting("weight of agreement, 1 / lambda of the paper", at_least=0)]


def trades_loss(
    clean: Tensor,
    adversarial: Tensor,
    labels: Tensor,
    *,
    beta: float,
    criterion: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Give CE(F(X), y) + beta mean_n KL(F(X_n) || F(X'_n)).

    Args:
        clean: logits (B, K) of the clean clips.
        adversarial: logits (B, K) of the adversarial clips.
        labels: int64 (B,).
        beta: 1 / lambda of the paper, at least 0.
        criterion: (logits, labels) -> mean cross-entropy.

    Returns:
        ().

    Source: Zhang et al. 2019, "Theoretically principled trade-off between robustness and
    accuracy", Eq. 5.
    """
    agreement = kl_divergence(clean, adversarial).mean()
    return criterion(clean, labels) + beta * agreement


def kl_divergence(first: Tensor, second: Tensor) -> Tensor:
    """Give KL(softmax(first) || softmax(second)) of each clip, (B,), from logits (B, K)."""
    return F.kl_div(
        second.float().log_softmax(1),
        first.float().log_softmax(1),
        log_target=True,
        reduction="none",
    ).sum(dim=1)


def trades_attack(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    seeds: Tensor,
    *,
    eps: float,
    step_size: float | StepSizeLaw,
    steps: int,
) -> Tensor:
    """Find X' in the budget that maximizes KL(F(X) || F(X')), F(X) kept fixed.

    From a uniform start in the budget, since the gradient at X itself is zero (the paper's code
    starts at X plus normal noise of deviation 0.001).

    Args:
        model: clips -> logits; attacked in evaluation mode.
        clips: (B, 3, T, H, W) in [0, 1].
        labels: int64 (B,); they play no part.
        seeds: int64 (B,), one random stream a clip.
        eps: budget in (0, 1].
        step_size: as for `linf_pgd`.
        steps: gradient steps.

    Returns:
        (B, 3, T, H, W).
    """
    with frozen(model):
        with torch.no_grad():
            clean = model(clips).float()

        def disagreement(logits: Tensor, labels: Tensor) -> Tensor:
            del labels
            return kl_divergence(clean, logits)

        return linf_pgd(
            model,
            clips,
            labels,
            eps=eps,
            step_size=step_size,
            steps=steps,
            random_start=True,
            loss=disagreement,
            seed=seeds,
        )


@dataclass
class TradesStep(Step):
    """Train on `trades_loss`; clean and adversarial clips pass together, as one batch.

    Batch norms in training mode therefore normalize by both halves (the paper's code passes them
    one after the other). What is counted as top-1 are the adversarial clips.

    Args:
        eps: budget in [0, 1], or a schedule.
        beta: weight of the agreement, at least 0; 6 in the paper.
        eps_step: step size, see `StepRule`.
        max_iter: steps of the attack, or a schedule.

    Raises:
        InputError: naming what is out of range.

    Source: Zhang et al. 2019, Algorithm 1.
    """

    eps: float | Schedule = 8 / 255
    beta: Beta = 6.0
    eps_step: StepRule = EQUAL_TO_BUDGET
    max_iter: int | Schedule = 5

    def __post_init__(self) -> None:
        check_settings(self)
        one_budget(self.eps)
        check_steps(self.max_iter)

    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        """Give loss and logits of the adversarial half; see `TrainStep`."""
        eps = as_schedule(self.eps).at(*context.progress)
        if eps == 0:
            logits = model(clips)
            return context.criterion(logits, labels), logits
        adversarial = trades_attack(
            context.bare,
            clips,
            hard_labels(labels),
            context.clip_seeds,
            eps=eps,
            step_size=step_size(self.eps_step, eps, context.progress),
            steps=round(as_schedule(self.max_iter).at(*context.progress)),
        )
        clean, attacked = model(torch.cat([clips, adversarial])).chunk(2)
        loss = trades_loss(clean, attacked, labels, beta=self.beta, criterion=context.criterion)
        return loss, attacked

    def report(self, epoch: int, epochs: int, steps: int = 1) -> Mapping[str, Any]:
        """Report the budget at the beginning of an epoch, in 1/255."""
        budget = as_schedule(self.eps).at(epoch, epochs, epoch * steps, epochs * steps)
        return {"eps": round(255 * budget, 6)}

    def counted_attack(self, epoch: int, epochs: int, steps: int = 1) -> CountedAttack | None:
        """Say what the adversarial half of an epoch was attacked with; see `Hooks`."""
        return CountedAttack(as_schedule(self.eps).smallest(epoch, epochs, steps))


@dataclass(frozen=True)
class TradesTraining(Defense):
    """TRADES; `TradesStep` does the work."""

    summary: ClassVar[str] = "agreement of clean and adversarial clips (KL)"
    passes: ClassVar[str] = "M + 2"

    eps: Eps = 8 / 255
    beta: Beta = 6.0
    step_rule: Rule = EQUAL_TO_BUDGET
    attack_steps: AttackSteps = FIVE_STEPS

    def prepare(self, data: ClipDataset | None, *, seed: int = 0) -> Prepared:
        """Attack agreement; see `Defense.prepare`."""
        budget = one_budget(self.eps)
        step = TradesStep(budget, self.beta, self.step_rule, self.attack_steps)
        return self.prepared(step, data, max(budget.values))


class TradesTrainer(NamedTrainer):
    """TRADES behind ART's interface; see `NamedTrainer`."""

    kind = TradesTraining
    words = ("eps", "beta", "eps_step", "max_iter")
