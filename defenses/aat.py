"""Adaptive adversarial training (AAT): budgets or attacks are drawn by the loss they cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.spec import parse_attack
from advvid.checks import check_count
from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.core.adaptive_choices import (
    PAPER_BUDGETS,
    Choice,
    adaptive_probabilities,
    budget_choices,
)
from advvid.defenses.core.defense import EPS_8, FIVE_STEPS, Budgets, Defense, one_budget
from advvid.defenses.core.hold_out import hold_out
from advvid.defenses.core.schedules import Schedule
from advvid.defenses.core.step_rules import EQUAL_TO_BUDGET
from advvid.defenses.core.training_attack import AttackBatchNorm, TrainingAttack
from advvid.defenses.core.video_trainer import VideoTrainer
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.random_streams import clip_seeds
from advvid.training.order import derive_seed
from advvid.training.step import Step, TrainStep
from advvid.training.task import EpochContext, StepContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class AdaptiveStep(Step):
    """Train each batch on one attack drawn from P, which follows the losses they cause.

    Every min(xi, K / |E|) epochs (rounded down, at least 1) P becomes that of Eq. 8, measured on
    clips that are not trained on, in evaluation mode, over all processes. Until the first update P
    is uniform (the paper starts at random). With several processes all draw the same.

    Args:
        choices: attacks with budgets, at least 2.
        held_out: clips that Eq. 8 is measured on, in their evaluation view.
        every: xi.

    Raises:
        InputError: with fewer than 2 choices, or no clip.

    Source: Kinfu and Vidal 2022, Algorithm 1 and Eq. 8.
    """

    choices: tuple[Choice, ...]
    held_out: ClipDataset = field(repr=False)
    every: int = 10
    clips: int = field(init=False)
    probabilities: list[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_count("every", self.every)
        if len(self.choices) < 2:
            raise InputError(f"adaptive training draws from 2 attacks on; got {len(self.choices)}")
        self.clips = len(self.held_out)
        if self.clips == 0:
            raise InputError(
                "adaptive training needs held-out clips to measure losses on; got none"
            )
        self.probabilities = [1 / len(self.choices)] * len(self.choices)
        self._used = list(self.probabilities)
        self._losses: list[float] | None = None
        self._drawn = [0] * len(self.choices)
        self._counted = -1

    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        """Give loss and logits of the batch under one attack; see `TrainStep`."""
        number = self.draw(context.shared_seed)
        if context.iteration != self._counted:
            self._drawn[number] += 1
            self._counted = context.iteration
        choice = self.choices[number]
        attacked = choice.attack(
            context.bare,
            clips,
            labels,
            context.clip_seeds,
            eps=choice.eps,
            shared_seed=context.shared_seed,
        )
        logits = model(attacked)
        return context.criterion(logits, labels), logits

    def draw(self, seed: int) -> int:
        """Draw a choice from P, the same for the same seed."""
        rng = np.random.default_rng(derive_seed("adaptive", seed))
        return int(rng.choice(len(self.choices), p=self.probabilities))

    def period(self, epochs: int) -> int:
        """Give the epochs between updates, min(xi, K / |E|), rounded down and at least 1."""
        return max(1, min(self.every, epochs // len(self.choices)))

    def end_epoch(self, context: EpochContext) -> None:
        """Measure the losses and update P, when it is time; after the last epoch it never is."""
        self._used, self._losses = list(self.probabilities), None
        if context.epoch % self.period(context.epochs) or context.epoch == context.epochs:
            return
        losses = context.total(self._measure(context)).cpu()
        self._losses = losses.tolist()
        self.probabilities = adaptive_probabilities(losses).tolist()

    def _measure(self, context: EpochContext) -> Tensor:
        """Sum the adversarial loss of this process's share of the held-out clips, (B,)."""
        sums = torch.zeros(len(self.choices), dtype=torch.float64, device=context.device)
        shared = derive_seed("adaptive", context.seed, context.epoch)
        context.bare.eval()
        for batch in context.batches(self.held_out):
            clips, labels = batch.clips, batch.labels
            seeds = clip_seeds(shared, batch.indices).to(context.device)
            for number, choice in enumerate(self.choices):
                with context.autocast():
                    attacked = choice.attack(
                        context.bare, clips, labels, seeds, eps=choice.eps, shared_seed=shared
                    )
                    with torch.no_grad():
                        logits = context.bare(attacked).float()
                sums[number] += F.cross_entropy(logits, labels, reduction="sum").double()
        return sums

    def report(self, epoch: int, epochs: int, steps: int = 1) -> Mapping[str, Any]:
        """Tell the distribution of an epoch, what was drawn, and the losses where P was updated."""
        del epoch, epochs, steps
        told: dict[str, Any] = {
            "choices": [choice.label for choice in self.choices],
            "probabilities": [round(p, 6) for p in self._used],
            "drawn": self._drawn,
        }
        if self._losses is not None:
            told["losses"] = [round(loss / self.clips, 6) for loss in self._losses]
            told["next_probabilities"] = [round(p, 6) for p in self.probabilities]
        self._drawn = [0] * len(self.choices)
        return told

    def figures(self, reports: list[Mapping[str, Any]]) -> Mapping[str, "Figure"]:
        """Draw the distribution of every epoch."""
        from advvid.figures.adaptive_distribution import adaptive_distribution

        choices = [choice.label for choice in self.choices]
        shares = [report["probabilities"] for report in reports]
        return {"adaptive_distribution.png": adaptive_distribution(choices, shares)}

    def state_dict(self) -> dict[str, Any]:
        """Give what a resume needs; see `StatefulStep`."""
        return {
            "probabilities": list(self.probabilities),
            "drawn": list(self._drawn),
            "counted": self._counted,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self.probabilities = list(state["probabilities"])
        self._drawn, self._counted = list(state["drawn"]), state["counted"]


def build_adaptive(
    data: ClipDataset,
    *,
    eps: Budgets | None = None,
    attack: Sequence[str] = ("pgd",),
    step_rule: StepSizeLaw = EQUAL_TO_BUDGET,
    attack_steps: Schedule = FIVE_STEPS,
    random_start: bool = False,
    attack_batch_norm: AttackBatchNorm = "eval",
    update_every: int = 10,
    held_out: int | None = None,
    seed: int = 0,
) -> Defense:
    """Make adaptive training from the options of the command line."""
    if not isinstance(step_rule, StepSizeLaw) or attack_steps.kind != "constant":
        raise InputError("aat draws attacks at random: a step rule and steps, no schedule of them")

    def make(text: str) -> TrainingAttack:
        return TrainingAttack(
            text, step_rule, round(attack_steps.values[0]), random_start, attack_batch_norm
        )

    if len(attack) == 1:
        if isinstance(eps, Schedule):
            raise InputError("aat draws from several budgets: give them with commas, 0,2,4,8,12")
        choices = budget_choices(PAPER_BUDGETS if eps is None else eps, make(attack[0]))
    else:
        budget = EPS_8 if eps is None else one_budget(eps)
        if budget.kind != "constant":
            raise InputError("aat gives all attacks one budget, no schedule of budgets")
        shared = budget.values[0]
        choices = tuple(
            Choice(make(text), own if (own := parse_attack(text).eps) is not None else shared)
            for text in attack
        )
    rest, kept = hold_out(data, held_out, seed=seed)
    step = AdaptiveStep(choices, kept, update_every)
    return Defense(step, rest, _check_budget(choices))


def _check_budget(choices: Sequence[Choice]) -> float:
    return max(choice.attack.check_budget(choice.eps) for choice in choices)


class AdaptiveTrainer(VideoTrainer):
    """Adaptive adversarial training (AAT); `AdaptiveStep` does the work.

    Args:
        classifier: an `advvid.VideoClassifier`.
        choices: attacks with budgets, or budgets alone; the paper's budgets unless given.
        every: xi, epochs between updates at most.
        held_out: clips kept back to measure Eq. 8 on; None is a tenth, at most 1,000.
        eps_step: step size as a rule of the budget, where `choices` are budgets.
        max_iter: attack steps, where `choices` are budgets.
        training: further arguments of `VideoTrainer`.
    """

    def __init__(
        self,
        classifier: VideoClassifier,
        choices: Sequence[Choice | float] = PAPER_BUDGETS,
        *,
        every: int = 10,
        held_out: int | None = None,
        eps_step: StepSizeLaw = EQUAL_TO_BUDGET,
        max_iter: int = 5,
        **training: Any,
    ) -> None:
        super().__init__(classifier, **training)
        attack = TrainingAttack(eps_step=eps_step, max_iter=max_iter)
        self.choices = tuple(
            one if isinstance(one, Choice) else budget_choices((one,), attack)[0] for one in choices
        )
        self.every, self.held_out = every, held_out

    def prepare(self, batches: ClipDataset | None) -> tuple[TrainStep, ClipDataset | None]:
        """Keep some clips back; see `VideoTrainer.prepare`."""
        if batches is None:
            raise InputError(
                "adaptive training measures losses on clips that it keeps back, which a loader "
                "cannot give: use fit, or advvid.train with an AdaptiveStep"
            )
        rest, kept = hold_out(batches, self.held_out, seed=self.settings.seed)
        return AdaptiveStep(self.choices, kept, self.every), rest

    def budget(self) -> float:
        """Give the largest budget of PGD that choices stand for."""
        return _check_budget(self.choices)
