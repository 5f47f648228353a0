"""Free adversarial training: the gradient of the weights is that of the pixels, too."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from advvid.attacks.core.ascent import steepest_step_
from advvid.attacks.core.linf_box import linf_box
from advvid.checks import check_budget
from advvid.data.clip_dataset import ClipDataset
from advvid.data.loader import ClipBatch
from advvid.defenses.core.budgets import one_budget
from advvid.defenses.core.defense import Defense, Prepared
from advvid.defenses.core.settings import Eps
from advvid.defenses.core.trainer import NamedTrainer
from advvid.errors import InputError
from advvid.methods import Setting, check_settings
from advvid.random_streams import uniform
from advvid.training.step import Step
from advvid.training.task import CountedAttack, Loss, StepContext


@dataclass(frozen=True)
class FreeStep(Step):
    """Step on each batch m times; every backward pass moves weights and perturbation at once.

    delta <- clip_eps(delta + eps sign(grad_X L)) between the m updates of the weights, so a pass
    over the data costs m passes and no attack: divide the epochs by m. The paper carries delta from
    one batch to the next as a start; here each clip starts at random in its budget, from its own
    stream, so that a run can be resumed and shared among processes.

    Args:
        eps: budget in (0, 1]; also the step.
        replays: m, at least 1.

    Raises:
        InputError: naming what is out of range.

    Source: Shafahi et al. 2019, "Adversarial training for free!", Algorithm 1; a random start does
    as well, Wong, Rice and Kolter 2020, sec. 4.
    """

    eps: Eps = 8 / 255
    replays: Annotated[int, Setting("updates on each batch", at_least=1)] = 4

    def __post_init__(self) -> None:
        check_settings(self)
        check_budget(self.budget)

    @property
    def budget(self) -> float:
        """The budget as a number."""
        budget = one_budget(self.eps)
        if budget.kind != "constant":
            raise InputError("free takes one budget, which is also its step: no schedule")
        return budget.values[0]

    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        """Give loss and logits of clips; see `TrainStep`."""
        logits = model(clips)
        return context.criterion(logits, labels), logits

    def counted_attack(self, epoch: int, epochs: int, steps: int = 1) -> CountedAttack | None:
        """Say what clips were attacked with after their random start; see `Hooks`."""
        del epoch, epochs, steps
        return CountedAttack(self.budget, 1 - 1 / self.replays)

    def losses(self, batch: ClipBatch, context: StepContext) -> Iterator[Loss]:
        """Yield m times the loss of the clips as they are perturbed then."""
        eps = self.budget
        box = linf_box(batch.clips, eps)
        start = uniform(context.clip_seeds, batch.clips.shape[1:], stream="free start")
        attacked = box.at(start)
        for replay in range(self.replays):
            if replay > 0:
                assert attacked.grad is not None
                with torch.no_grad():
                    attacked = steepest_step_(attacked.detach().clone(), attacked.grad, eps, box)
            attacked.requires_grad_(True)
            loss, logits = self(context.model, attacked, batch.labels, context)
            yield Loss(loss, logits=logits)


@dataclass(frozen=True)
class FreeTraining(FreeStep, Defense):
    """Free adversarial training: `FreeStep` as a defense."""

    summary: ClassVar[str] = "each batch several times, attack for free"
    passes: ClassVar[str] = "replays"

    def prepare(self, data: ClipDataset | None, *, seed: int = 0) -> Prepared:
        """Step on each batch several times; see `Defense.prepare`."""
        return self.prepared(self, data, self.budget)


class FreeTrainer(NamedTrainer):
    """Free adversarial training behind ART's interface; see `NamedTrainer`."""

    kind = FreeTraining
    words = ("eps", "replays")
