"""Free adversarial training: the gradient of the weights is that of the pixels, too."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from advvid.attacks.core.linf_box import linf_box
from advvid.attacks.core.sign_gradient import sign_step_
from advvid.checks import check_budget, check_count
from advvid.data.clip_dataset import ClipDataset
from advvid.data.loader import ClipBatch
from advvid.defenses.core.defense import EPS_8, Budgets, Defense, one_budget
from advvid.defenses.core.video_trainer import StepTrainer
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.random_streams import uniform
from advvid.training.step import Step
from advvid.training.task import Loss, StepContext


@dataclass(frozen=True)
class FreeStep(Step):
    """Step on each batch m times; every backward pass moves weights and perturbation at once.

    delta <- clip_eps(delta + eps sign(grad_X L)) between the m updates of the weights, so a pass
    over the data costs m passes and no attack: divide the epochs by m. The paper carries delta from
    one batch to the next as a start; here each clip starts at random in its budget, from its own
    stream, so that a run can be resumed and shared among processes.

    Args:
        eps: budget in (0, 1]; also the step.
        replays: m.

    Raises:
        InputError: naming what is out of range.

    Source: Shafahi et al. 2019, "Adversarial training for free!", Algorithm 1; a random start does
    as well, Wong, Rice and Kolter 2020, sec. 4.
    """

    eps: float = 8 / 255
    replays: int = 4

    def __post_init__(self) -> None:
        check_budget(self.eps)
        check_count("replays", self.replays)

    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        """Give loss and logits of clips; see `TrainStep`."""
        logits = model(clips)
        return context.criterion(logits, labels), logits

    def losses(self, batch: ClipBatch, context: StepContext) -> Iterator[Loss]:
        """Yield m times the loss of the clips as they are perturbed then."""
        box = linf_box(batch.clips, self.eps)
        start = uniform(context.clip_seeds, batch.clips.shape[1:], stream="free start")
        attacked = box.at(start)
        for replay in range(self.replays):
            if replay > 0:
                assert attacked.grad is not None
                with torch.no_grad():
                    attacked = sign_step_(attacked.detach().clone(), attacked.grad, self.eps, box)
            attacked.requires_grad_(True)
            loss, logits = self(context.model, attacked, batch.labels, context)
            yield Loss(loss, logits=logits)


def build_free(data: ClipDataset, *, eps: Budgets = EPS_8, replays: int = 4) -> Defense:
    """Make free training from the options of the command line."""
    budget = one_budget(eps)
    if budget.kind != "constant":
        raise InputError("free takes one budget: its perturbations live on from step to step")
    return Defense(FreeStep(budget.values[0], replays), data, budget.values[0])


class FreeTrainer(StepTrainer):
    """Free adversarial training; `FreeStep` does the work.

    Args:
        classifier: an `advvid.VideoClassifier`.
        eps: budget, a fraction of the pixel range.
        replays: updates on each batch.
        training: further arguments of `VideoTrainer`.
    """

    def __init__(
        self, classifier: VideoClassifier, eps: float = 8 / 255, replays: int = 4, **training: Any
    ) -> None:
        super().__init__(classifier, FreeStep(eps, replays), eps, **training)
