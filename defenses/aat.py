"""Adaptive adversarial training (AAT): budgets or attacks are drawn by the loss they cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.core.adaptive_choices import (
    PAPER_BUDGETS,
    Choice,
    adaptive_probabilities,
    budget_choices,
)
from advvid.defenses.core.budgets import (
    Budgets,
    check_budgets,
    check_some_attack,
    one_budget,
    read_budgets,
    spell_budgets,
)
from advvid.defenses.core.defense import Prepared
from advvid.defenses.core.hold_out import hold_out
from advvid.defenses.core.schedules import Schedule
from advvid.defenses.core.settings import AttackingDefense, Attacks
from advvid.defenses.core.step_rules import EQUAL_TO_BUDGET, StepRule
from advvid.defenses.core.trainer import NamedTrainer
from advvid.defenses.core.training_attack import AttackingStep, TrainingAttack
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.methods import Setting, check_settings
from advvid.methods.arguments import checked
from advvid.random_streams import clip_seeds
from advvid.training.order import derive_seed
from advvid.training.task import CountedAttack, EpochContext, StepContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class AdaptiveStep(AttackingStep):
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
    every: Annotated[int, Setting("epochs between updates, at most (xi)", at_least=1)] = 10
    clips: int = field(init=False)
    probabilities: list[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_settings(self)
        if len(self.choices) < 2:
            raise InputError(f"adaptive training draws from 2 attacks on; got {len(self.choices)}")
        self.clips = len(self.held_out)
        for choice in self.choices:
            if choice.attack.changes:
                raise InputError("aat draws attacks at random: a step rule and steps, no schedule")
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
        seeds, shared = context.clip_seeds, context.shared_seed
        attacked = self.attacked(
            choice.attack, context, clips, labels, seeds, eps=choice.eps, shared_seed=shared
        )
        logits = model(attacked)
        return context.criterion(logits, labels), logits

    def attacks(self) -> Sequence[TrainingAttack]:
        """Give those of all choices."""
        return [choice.attack for choice in self.choices]

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
                    attacked = self.attacked(
                        choice.attack,
                        context,
                        clips,
                        labels,
                        seeds,
                        eps=choice.eps,
                        shared_seed=shared,
                    )
                    with torch.no_grad():
                        logits = context.bare(attacked).float()
                sums[number] += F.cross_entropy(logits, labels, reduction="sum").double()
        return sums

    def report(self, epoch: int, epochs: int, steps: int = 1) -> Mapping[str, Any]:
        """Report the distribution of an epoch, the draws, and the losses where P was updated."""
        del epoch, epochs, steps
        report: dict[str, Any] = {
            "choices": [choice.label for choice in self.choices],
            "probabilities": [round(p, 6) for p in self._used],
            "drawn": self._drawn,
        }
        if self._losses is not None:
            report["losses"] = [round(loss / self.clips, 6) for loss in self._losses]
            report["next_probabilities"] = [round(p, 6) for p in self.probabilities]
        self._drawn = [0] * len(self.choices)
        return report

    def counted_attack(self, epoch: int, epochs: int, steps: int = 1) -> CountedAttack | None:
        """Say what clips were attacked with at least; see `Hooks`."""
        del epoch, epochs, steps
        budgets = [choice.attack.whole_clip_budget(choice.eps) for choice in self.choices]
        known = [eps for eps in budgets if eps is not None]
        return CountedAttack(min(known)) if len(known) == len(budgets) else None

    def figures(self, reports: list[Mapping[str, Any]]) -> Mapping[str, "Figure"]:
        """Draw the distribution of every epoch."""
        from advvid.figures.adaptive_distribution import adaptive_distribution

        choices = [choice.label for choice in self.choices]
        shares = [report["probabilities"] for report in reports]
        return {"adaptive_distribution.png": adaptive_distribution(choices, shares)}

    def state_dict(self) -> dict[str, Any]:
        """Give what a resume needs; see `Hooks`."""
        return {
            "probabilities": list(self.probabilities),
            "drawn": list(self._drawn),
            "counted": self._counted,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        shares, drawn, counted = state["probabilities"], state["drawn"], state["counted"]
        if not (len(shares) == len(drawn) == len(self.choices)) or not (
            min(shares) >= 0 and abs(sum(shares) - 1) < 1e-6
        ):
            raise ValueError("no distribution over these choices")
        self.probabilities = [float(share) for share in shares]
        self._drawn, self._counted = [int(number) for number in drawn], int(counted)


def _check_several(eps: Budgets) -> None:
    check_budgets(eps)
    check_some_attack(eps)
    if isinstance(eps, Schedule) and eps.kind != "constant":
        raise InputError("aat draws from fixed budgets, no schedule of budgets: give 0/2/4/8/12")


@dataclass(frozen=True)
class AdaptiveTraining(AttackingDefense):
    """Adaptive adversarial training; `AdaptiveStep` does the work.

    Draws from several budgets of one attack, or from several attacks of one budget.
    """

    summary: ClassVar[str] = "adaptive: budgets or attacks drawn by their loss"
    passes: ClassVar[str] = "M + 1"

    eps: Annotated[
        Budgets,
        Setting(
            "budgets to draw from, such as 0/4/8; one where there are several attacks",
            unit="1/255",
            read=read_budgets,
            spell=spell_budgets,
            verify=_check_several,
        ),
    ] = PAPER_BUDGETS
    attack: Attacks = "pgd"
    update_every: Annotated[
        int, Setting("epochs between updates, at most (xi)", unit="epochs", at_least=1)
    ] = 10
    held_out: Annotated[
        int | None, Setting("training clips held out to measure losses on; a tenth", at_least=1)
    ] = None
    choices: tuple[Choice, ...] | None = None
    """Attacks with budgets, in place of those that the settings make."""

    def prepare(self, data: ClipDataset | None, *, seed: int = 0) -> Prepared:
        """Hold clips out, and make the choices; see `Defense.prepare`."""
        choices = self._choices() if self.choices is None else self.choices
        if data is None:
            raise InputError(
                "adaptive training measures losses on clips that it holds out, which a loader "
                "cannot give: use fit, or advvid.train with an AdaptiveStep"
            )
        rest, kept = hold_out(data, self.held_out, seed=seed)
        step = AdaptiveStep(choices, kept, self.update_every)
        return self.prepared(step, rest, max(c.attack.fair_budget(c.eps) for c in choices))

    def _choices(self) -> tuple[Choice, ...]:
        """Make one choice for each budget, or for each attack."""
        attacks = self.training_attacks()
        self.check_used(attacks)
        if len(attacks) == 1:
            if not isinstance(self.eps, tuple | list):
                raise InputError("aat draws from several budgets: give them as in eps=0/2/4/8/12")
            return budget_choices(self.eps, attacks[0])
        # The default is meant for one attack; the same budgets, if they are asked for, are several.
        (shared,) = one_budget(8 / 255 if self.eps is PAPER_BUDGETS else self.eps).values
        return tuple(
            Choice(attack, shared if attack.spec.eps is None else attack.spec.eps)
            for attack in attacks
        )


@checked
class AdaptiveTrainer(NamedTrainer):
    """Adaptive adversarial training (AAT) behind ART's interface.

    Args:
        classifier: an `advvid.VideoClassifier`.
        choices: attacks with budgets, or budgets alone; the paper's budgets unless given.
        every: xi, epochs between updates at most.
        eps_step: step size, where `choices` are budgets.
        max_iter: attack steps, where `choices` are budgets.
        options: `held_out`, and those of `DefenseTrainer`.
    """

    kind = AdaptiveTraining

    def __init__(
        self,
        classifier: VideoClassifier,
        choices: Sequence[Choice | float] = PAPER_BUDGETS,
        *,
        every: int = 10,
        eps_step: StepRule = EQUAL_TO_BUDGET,
        max_iter: int = 5,
        **options: Any,
    ) -> None:
        attack = TrainingAttack(eps_step=eps_step, max_iter=max_iter)
        made = tuple(
            one if isinstance(one, Choice) else budget_choices((one,), attack)[0] for one in choices
        )
        super().__init__(classifier, choices=made, update_every=every, **options)
