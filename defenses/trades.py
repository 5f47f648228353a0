"""TRADES: trade accuracy on clean clips against agreement between clean and adversarial ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.pgd import linf_pgd
from advvid.checks import check_count
from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.at import check_budgets
from advvid.defenses.core.defense import EPS_8, FIVE_STEPS, Budgets, Defense, one_budget
from advvid.defenses.core.schedules import Schedule, as_schedule
from advvid.defenses.core.step_rules import EQUAL_TO_BUDGET
from advvid.defenses.core.video_trainer import StepTrainer
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen
from advvid.training.step import Step
from advvid.training.task import StepContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


@dataclass(frozen=True)
class TradesStep(Step):
    """Train on `trades_loss`; clean and adversarial clips pass together, as one batch.

    Batch norms in training mode therefore normalize by both halves (the paper's code passes them
    one after the other). What is counted as top-1 are the adversarial clips.

    Args:
        eps: budget in [0, 1], or a schedule.
        beta: weight of the agreement, at least 0; 6 in the paper.
        eps_step: step size as a rule of the budget.
        max_iter: steps of the attack.

    Raises:
        InputError: naming what is out of range.

    Source: Zhang et al. 2019, Algorithm 1.
    """

    eps: float | Schedule = 8 / 255
    beta: float = 6.0
    eps_step: StepSizeLaw = EQUAL_TO_BUDGET
    max_iter: int = 5

    def __post_init__(self) -> None:
        check_budgets(self.eps)
        check_count("max_iter", self.max_iter)
        if not 0 <= self.beta < float("inf"):
            raise InputError(f"beta must be at least 0 and finite; got {self.beta}")

    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        """Give loss and logits of the adversarial half; see `TrainStep`."""
        eps = as_schedule(self.eps).at(
            context.epoch, context.epochs, context.iteration, context.total
        )
        if eps == 0:
            logits = model(clips)
            return context.criterion(logits, labels), logits
        adversarial = trades_attack(
            context.bare,
            clips,
            labels,
            context.clip_seeds,
            eps=eps,
            step_size=self.eps_step,
            steps=self.max_iter,
        )
        clean, attacked = model(torch.cat([clips, adversarial])).chunk(2)
        loss = trades_loss(clean, attacked, labels, beta=self.beta, criterion=context.criterion)
        return loss, attacked

    def report(self, epoch: int, epochs: int, steps: int = 1) -> Mapping[str, Any]:
        """Tell the budget at the beginning of an epoch, in 1/255."""
        budget = as_schedule(self.eps).at(epoch, epochs, epoch * steps, epochs * steps)
        return {"eps": round(255 * budget, 6)}

    def figures(self, reports: list[Mapping[str, Any]]) -> Mapping[str, "Figure"]:
        """Draw nothing: the history has it."""
        del reports
        return {}


def build_trades(
    data: ClipDataset,
    *,
    eps: Budgets = EPS_8,
    beta: float = 6.0,
    step_rule: StepSizeLaw = EQUAL_TO_BUDGET,
    attack_steps: Schedule = FIVE_STEPS,
) -> Defense:
    """Make TRADES from the options of the command line."""
    budgets = one_budget(eps)
    if not isinstance(step_rule, StepSizeLaw) or attack_steps.kind != "constant":
        raise InputError("trades takes a step rule and a number of steps, no schedule of them")
    step = TradesStep(budgets, beta, step_rule, round(attack_steps.values[0]))
    return Defense(step, data, max(budgets.values))


class TradesTrainer(StepTrainer):
    """TRADES; `TradesStep` does the work.

    Args:
        classifier: an `advvid.VideoClassifier`.
        eps: budget, a fraction of the pixel range.
        beta: weight of the agreement between clean and adversarial clips.
        eps_step: step size as a rule of the budget.
        max_iter: attack steps.
        training: further arguments of `VideoTrainer`.
    """

    def __init__(
        self,
        classifier: VideoClassifier,
        eps: float | Schedule = 8 / 255,
        beta: float = 6.0,
        eps_step: StepSizeLaw = EQUAL_TO_BUDGET,
        max_iter: int = 5,
        **training: Any,
    ) -> None:
        step = TradesStep(eps, beta, eps_step, max_iter)
        super().__init__(classifier, step, max(as_schedule(eps).values), **training)
