"""What training does with a batch: the frame that every kind of training is written in.

A task owns named networks and gives, batch by batch, the losses in the order in which they are
stepped. The loop owns all else: devices, processes, precision, accumulation, checkpoints, history
and the best weights. Training one classifier on one loss needs no task: see `advvid.training.step`.

A generator and a discriminator, with the classifier that is protected by them:

    class Gan(Task):
        def networks(self):
            return {"generator": self.g, "discriminator": self.d, "classifier": self.f}

        def losses(self, batch, context):
            cleaned = context.networks["generator"](batch.clips)
            fooled = bce(context.passes["discriminator"](cleaned), ones)
            logits = context.passes["classifier"](cleaned)
            yield Loss(fooled + context.criterion(logits, batch.labels), "generator", logits)
            real = bce(context.networks["discriminator"](batch.clips), ones)
            fake = bce(context.networks["discriminator"](cleaned.detach()), zeros)
            yield Loss(real + fake, "discriminator")

        def export(self):
            return nn.Sequential(self.g, self.f)
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset
from advvid.data.loader import ClipBatch
from advvid.errors import InputError
from advvid.training.optimization import make_optimizer
from advvid.training.settings import TrainSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLASSIFIER = "classifier"
"""Name of the network where there is one only."""


@dataclass(frozen=True)
class Loss:
    """One loss of a batch: its gradient is computed, then one optimizer makes a step.

    Args:
        value: mean over the batch, ().
        optimizer: name of the network that is stepped; gradients of all others are dropped.
        logits: (B, K), counted as loss and top-1 of the history; None counts nothing. At least one
            loss of a task gives them.
        labels: of the logits, int64 (B,) or soft (B, K); None are those of the batch.
    """

    value: Tensor
    optimizer: str = CLASSIFIER
    logits: Tensor | None = None
    labels: Tensor | None = None


@dataclass(frozen=True)
class StepContext:
    """Where in the run a step is, and what it may use.

    Args:
        epoch: 0 to epochs - 1.
        epochs: of the whole run.
        iteration: step counted from the start of the run, 0 to total - 1.
        total: steps of the whole run.
        seed: of this step on this process; the same after a resume. The global generator has
            already been seeded with it.
        shared_seed: of this step, the same on all processes.
        clip_seeds: int64 (B,), one random stream a clip and epoch, whatever the batch, the process
            or the piece of an accumulated batch that a clip is in.
        networks: those of the task, in training mode, wrapped to synchronize processes: for passes
            whose gradient is followed.
        passes: the same networks, not wrapped: for attacks, and for passes through a network that
            this loss does not train.
        criterion: (logits (B, K), labels (B,) or (B, K)) -> mean loss, with the label smoothing of
            the run.
    """

    epoch: int
    epochs: int
    iteration: int
    total: int
    seed: int
    shared_seed: int
    clip_seeds: Tensor
    networks: Mapping[str, nn.Module]
    passes: Mapping[str, nn.Module]
    criterion: Callable[[Tensor, Tensor], Tensor]

    @property
    def progress(self) -> tuple[int, int, int, int]:
        """Epoch, epochs, iteration and total, for what changes while a model trains."""
        return self.epoch, self.epochs, self.iteration, self.total

    @property
    def model(self) -> nn.Module:
        """The classifier, wrapped to synchronize processes."""
        return self.networks[CLASSIFIER]

    @property
    def bare(self) -> nn.Module:
        """The classifier itself."""
        return self.passes[CLASSIFIER]


@dataclass(frozen=True)
class EpochContext:
    """What may be used at the end of an epoch, before the next.

    Args:
        epoch: epochs that are complete, 1 to epochs.
        epochs: of the whole run.
        seed: of the run.
        passes: the networks of the task, not wrapped.
        device: where they are.
        batches: of a data set, in the evaluation view, on the device, clips float32 in [0, 1]: the
            share of this process.
        total: sums a tensor over all processes.
        autocast: the precision of the run.
    """

    epoch: int
    epochs: int
    seed: int
    passes: Mapping[str, nn.Module]
    device: torch.device
    batches: Callable[[ClipDataset], Iterator[ClipBatch]]
    total: Callable[[Tensor], Tensor]
    autocast: Callable[[], AbstractContextManager[Any]]

    @property
    def bare(self) -> nn.Module:
        """The classifier."""
        return self.passes[CLASSIFIER]


@dataclass(frozen=True)
class CountedAttack:
    """What training clips are attacked with that count as top-1 of an epoch.

    Args:
        eps: smallest Linf budget on whole clips, a fraction of the pixel range.
        share: share of the counted clips that are attacked, in [0, 1].
    """

    eps: float
    share: float = 1.0


class Hooks:
    """What a task may remember and report; all of it optional."""

    def state_dict(self) -> dict[str, Any]:
        """Give what a resume needs beside the weights: tensors, numbers, strings, lists, dicts."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""

    def check_fit(self, passes: Mapping[str, nn.Module], clips: Tensor) -> None:
        """Refuse clips (B, 3, T, H, W) that cannot be trained on, before anything is written.

        Args:
            passes: the networks of the task, on the device of the clips.
            clips: of the shape of all clips, in [0, 1].

        Raises:
            InputError: saying what does not fit.
        """

    def end_epoch(self, context: EpochContext) -> None:
        """Work between epochs, on all processes, before the checkpoint of the epoch is written."""

    def report(self, epoch: int, epochs: int, steps: int = 1) -> Mapping[str, Any]:
        """Report of a complete epoch, for the history: numbers, strings, lists of them.

        Args:
            epoch: 0 to epochs - 1.
            epochs: of the whole run.
            steps: of an epoch.
        """
        del epoch, epochs, steps
        return {}

    def counted_attack(self, epoch: int, epochs: int, steps: int = 1) -> CountedAttack | None:
        """Say what the clips that counted as top-1 were attacked with, for arguments of `report`.

        PGD of no larger budget on the same clips then shows whether they are overfitted. None, the
        default, where they were not attacked, or within other bounds.
        """
        del epoch, epochs, steps
        return None

    def figures(self, reports: list[Mapping[str, Any]]) -> Mapping[str, "Figure"]:
        """Draw the reports of all epochs so far: names of files -> figures."""
        del reports
        return {}


class Task(Hooks, ABC):
    """Networks, and the losses that train them; see the module for an example."""

    @abstractmethod
    def networks(self) -> Mapping[str, nn.Module]:
        """Give the networks by name; those without a trainable parameter stay as they are."""

    @abstractmethod
    def losses(self, batch: ClipBatch, context: StepContext) -> Iterator[Loss]:
        """Yield the losses of a batch in the order in which they are stepped.

        Between two yields the gradient of the first is computed and its optimizer makes a step; so
        a network may be trained several times on one batch, and gradients of inputs can be read
        from their `grad`. Compute each loss after the yield before it: no graph may reach over a
        yield. Every batch yields the same optimizers in the same order.

        Args:
            batch: clips (B, 3, T, H, W) float32 in [0, 1] and labels, int64 (B,) or soft (B, K)
                float, on the device; under autocast where the run has reduced precision.
            context: see `StepContext`.
        """

    def optimizers(
        self, settings: TrainSettings, classes: int
    ) -> Mapping[str, torch.optim.Optimizer]:
        """Make an optimizer for each network that is trained, under the name of the network.

        Args:
            settings: of the run; its schedule and warmup scale the learning rates of all of them.
            classes: K.
        """
        return {
            name: make_optimizer(network, settings, num_classes=classes)
            for name, network in self.networks().items()
            if any(parameter.requires_grad for parameter in network.parameters())
        }

    def export(self) -> nn.Module:
        """Give the classifier that is measured after epochs and saved: the only network.

        Made of the networks of the task; called once.

        Raises:
            InputError: when there are several and the task does not say which.
        """
        networks = self.networks()
        if len(networks) != 1:
            raise InputError(
                f"{type(self).__name__} has the networks {', '.join(networks)}: its export() has "
                "to say what is measured and saved"
            )
        return next(iter(networks.values()))

    def describe(self) -> str:
        """Name the task with its settings: what has to be the same at a resume."""
        return type(self).__qualname__
