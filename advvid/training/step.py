"""Training one classifier on one loss a batch: the hole that most defenses fill."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from advvid.data.loader import ClipBatch
from advvid.errors import InputError
from advvid.training.settings import TrainSettings
from advvid.training.task import (
    CLASSIFIER,
    CountedAttack,
    EpochContext,
    Hooks,
    Loss,
    StepContext,
    Task,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TrainStep = Callable[[nn.Module, Tensor, Tensor, StepContext], tuple[Tensor, Tensor]]
"""(model, clips, labels, context) -> mean loss () of the batch and the logits (B, K) that are
counted as top-1. The model is in training mode; see `Task.losses` for clips and labels."""


class Step(Hooks, ABC):
    """A step with more to it than a function: state, a report, work between epochs.

    A resume compares the fields of a step that is a dataclass; state in such fields needs
    `field(repr=False)`.
    """

    @abstractmethod
    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        """Give loss and logits; see `TrainStep`."""

    def losses(self, batch: ClipBatch, context: StepContext) -> Iterator[Loss]:
        """Yield the losses of a batch, by default the one of `__call__`; see `Task.losses`."""
        loss, logits = self(context.model, batch.clips, batch.labels, context)
        yield Loss(loss, logits=logits)

    def describe(self) -> str:
        """Name the step with its settings; see `Task.describe`."""
        return repr(self) if is_dataclass(self) else type(self).__qualname__


def clean_step(
    model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
) -> tuple[Tensor, Tensor]:
    """Train on the clips as they are; see `TrainStep`."""
    logits = model(clips)
    return context.criterion(logits, labels), logits


class StepTask(Task):
    """One classifier and a step.

    Args:
        model: clips -> logits.
        step: a function, or a `Step`.
        optimizer: over the parameters of the model; None makes that of the settings.
        name: has to be the same at a resume; None is that of the step.
    """

    def __init__(
        self,
        model: nn.Module,
        step: TrainStep | Step,
        optimizer: torch.optim.Optimizer | None = None,
        name: str | None = None,
    ) -> None:
        self.model, self.optimizer, self.name = model, optimizer, name
        self.step = step if isinstance(step, Step) else _FunctionStep(step)

    def networks(self) -> Mapping[str, nn.Module]:
        """Give the classifier."""
        return {CLASSIFIER: self.model}

    def optimizers(
        self, settings: TrainSettings, classes: int
    ) -> Mapping[str, torch.optim.Optimizer]:
        """Give the optimizer, made by the settings unless one came."""
        if self.optimizer is None:
            return super().optimizers(settings, classes)
        return {CLASSIFIER: self.optimizer}

    def losses(self, batch: ClipBatch, context: StepContext) -> Iterator[Loss]:
        """Yield those of the step."""
        return self.step.losses(batch, context)

    def describe(self) -> str:
        """Name the step."""
        return self.step.describe() if self.name is None else self.name

    def state_dict(self) -> dict[str, Any]:
        """Give the state of the step."""
        return self.step.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of the step."""
        self.step.load_state_dict(state)

    def check_fit(self, passes: Mapping[str, nn.Module], clips: Tensor) -> None:
        """Let the step look at clips."""
        self.step.check_fit(passes, clips)

    def end_epoch(self, context: EpochContext) -> None:
        """Let the step work between epochs."""
        self.step.end_epoch(context)

    def report(self, epoch: int, epochs: int, steps: int = 1) -> Mapping[str, Any]:
        """Report what the step reports."""
        return self.step.report(epoch, epochs, steps)

    def counted_attack(self, epoch: int, epochs: int, steps: int = 1) -> CountedAttack | None:
        """Say what the step attacks by."""
        return self.step.counted_attack(epoch, epochs, steps)

    def figures(self, reports: list[Mapping[str, Any]]) -> Mapping[str, "Figure"]:
        """Draw what the step draws."""
        return self.step.figures(reports)


class _FunctionStep(Step):
    """A function as a step."""

    def __init__(self, function: TrainStep) -> None:
        self.function = function

    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        return self.function(model, clips, labels, context)

    def describe(self) -> str:
        function = self.function
        if is_dataclass(function):
            return repr(function)
        return getattr(function, "__qualname__", type(function).__qualname__)


def make_task(
    model: nn.Module,
    task: Task | type[Task] | Callable[[nn.Module], Task] | None,
    step: TrainStep | Step,
    optimizer: torch.optim.Optimizer | None,
) -> Task:
    """Make the task of `train` from what it was given.

    Raises:
        InputError: when both a task and a step or an optimizer came.
    """
    if task is None:
        return StepTask(model, step, optimizer)
    if step is not clean_step:
        raise InputError("a task has its own steps: give either task or step")
    made = task if isinstance(task, Task) else task(model)  # type: ignore[call-arg]
    if not isinstance(made, Task):
        raise InputError(f"task must make a Task of the model; got {type(made).__name__}")
    if optimizer is not None:
        if not isinstance(made, StepTask):
            raise InputError("a task makes its own optimizers: leave optimizer out")
        made.optimizer = optimizer
    return made
