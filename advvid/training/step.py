"""What one training step trains on: the hole of the training loop that defenses fill."""

from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from typing import Any, Protocol, runtime_checkable

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class StepContext:
    """Where in the run a step is, and what it may use.

    Args:
        epoch: 0 to epochs - 1.
        iteration: step counted from the start of the run, 0 to total - 1.
        total: steps of the whole run.
        seed: of this step on this process; the same after a resume. The global generator has
            already been seeded with it.
        bare: the module itself, for passes that make clips instead of training (an attack inside
            the step): the `model` of the step may be wrapped to synchronize processes.
        criterion: (logits (B, K), labels (B,)) -> mean loss, with the label smoothing of the run.
    """

    epoch: int
    iteration: int
    total: int
    seed: int
    bare: nn.Module
    criterion: Callable[[Tensor, Tensor], Tensor]


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
