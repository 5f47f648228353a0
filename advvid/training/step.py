"""What one training step trains on: the hole of the training loop that defenses fill."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, is_dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset
from advvid.data.loader import ClipBatch

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
            or the part of a batch that a clip is in.
        bare: the module itself, for passes that make clips instead of training (an attack inside
            the step): the `model` of the step may be wrapped to synchronize processes.
        criterion: (logits (B, K), labels (B,)) -> mean loss, with the label smoothing of the run.
        replay: how many times this batch has been stepped on already, see `ReplayingStep`.
        memory: empty at the first replay of a batch, and kept to its last.
    """

    epoch: int
    epochs: int
    iteration: int
    total: int
    seed: int
    shared_seed: int
    clip_seeds: Tensor
    bare: nn.Module
    criterion: Callable[[Tensor, Tensor], Tensor]
    replay: int = 0
    memory: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EpochContext:
    """What a step may use at the end of an epoch, before the next.

    Args:
        epoch: epochs that are complete, 1 to epochs.
        epochs: of the whole run.
        seed: of the run.
        bare: the module itself.
        device: where it is.
        batches: of a data set, in the evaluation view: the share of this process.
        total: sums a tensor over all processes.
        autocast: the precision of the run.
    """

    epoch: int
    epochs: int
    seed: int
    bare: nn.Module
    device: torch.device
    batches: Callable[[ClipDataset], Iterator[ClipBatch]]
    total: Callable[[Tensor], Tensor]
    autocast: Callable[[], AbstractContextManager[Any]]


class TrainStep(Protocol):
    """From a batch to the loss whose gradient is followed.

    A step whose settings are the fields of a dataclass is told apart by them at a resume; state in
    such fields needs `field(repr=False)`.
    """

    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        """Give the mean loss () of the batch and the logits (B, K) that are counted as top-1.

        Args:
            model: in training mode; under autocast where the run has reduced precision.
            clips: (B, 3, T, H, W) float32 in [0, 1].
            labels: int64 (B,).
            context: see `StepContext`.
        """
        ...


@runtime_checkable
class StatefulStep(Protocol):
    """A step that remembers: its state goes into checkpoints and comes back at a resume."""

    def state_dict(self) -> dict[str, Any]:
        """Give tensors, numbers, strings, and lists and dicts of them."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        ...


@runtime_checkable
class EpochStep(Protocol):
    """A step that does something between epochs, on all processes."""

    def end_epoch(self, context: EpochContext) -> None:
        """Do it; called before the checkpoint of the epoch is written."""
        ...


@runtime_checkable
class ReportingStep(Protocol):
    """A step with something to tell: it goes into the history, and into figures."""

    def report(self, epoch: int, epochs: int, steps: int = 1) -> Mapping[str, Any]:
        """Tell of an epoch that is complete, 0 to epochs - 1: numbers, strings, lists of them.

        Args:
            epoch: counted from 0.
            epochs: of the whole run.
            steps: of an epoch.
        """
        ...

    def figures(self, reports: list[Mapping[str, Any]]) -> Mapping[str, "Figure"]:
        """Draw the reports of all epochs so far: names of files -> figures."""
        ...


@runtime_checkable
class ReplayingStep(Protocol):
    """A step that wants each batch several times in a row, with an update of the weights each."""

    replays: int


def clean_step(
    model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
) -> tuple[Tensor, Tensor]:
    """Train on the clips as they are; see `TrainStep`."""
    logits = model(clips)
    return context.criterion(logits, labels), logits


def step_name(step: TrainStep) -> str:
    """Name a step by its settings where it has them, by its function or class otherwise."""
    if is_dataclass(step):
        return repr(step)
    return getattr(step, "__qualname__", type(step).__qualname__)


def smoothed_cross_entropy(label_smoothing: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Make the mean cross-entropy of logits of any precision, computed in float32."""

    def criterion(logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)

    return criterion
