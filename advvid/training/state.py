"""How far a training run is, and how that goes into a checkpoint and comes back."""

import time
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from advvid.data.video.bad_video import BadVideo
from advvid.errors import InputError
from advvid.training.checkpoints import Checkpoint
from advvid.training.history import EpochRecord, History
from advvid.training.measuring.best_weights import BestWeights
from advvid.training.measuring.measures import NotFiniteError
from advvid.training.measuring.tally import Tally
from advvid.training.scale.processes import over_processes
from advvid.training.step import StatefulStep, TrainStep
from advvid.training.weight_average import WeightAverage

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class TrainingState:
    """Everything of a run that changes from step to step.

    Args:
        fabric: launched.
        model: the bare module, on its device.
        optimizer: over its parameters.
        step: may have a state of its own.
        ema: decay of the moving average of the weights, or None for none.
    """

    def __init__(
        self,
        fabric: "Fabric",
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        step: TrainStep,
        ema: float | None = None,
    ) -> None:
        self.fabric, self.model, self.optimizer, self.step = fabric, model, optimizer, step
        self.average = None if ema is None else WeightAverage(model, ema)
        self.best = BestWeights()
        self.history = History()
        self.epoch = self.iteration = 0
        self.tally = Tally(fabric.device)
        self._started, self._seconds_before = time.monotonic(), 0.0

    @property
    def seconds(self) -> float:
        """Wall time spent in this epoch, before an interruption too."""
        return self._seconds_before + time.monotonic() - self._started

    def next_epoch(self, record: EpochRecord) -> None:
        """Put an epoch that is complete into the history, and start the next."""
        self.history.epochs.append(record)
        self.epoch, self.iteration = self.epoch + 1, 0
        self.tally = Tally(self.fabric.device)
        self._started, self._seconds_before = time.monotonic(), 0.0

    def checkpoint(self, identity: dict[str, Any]) -> Checkpoint:
        """Collect a checkpoint; every process has to call this.

        Raises:
            NotFiniteError: when a step has broken the weights, which the loss of the next would
                show only after the last good checkpoint is gone.
        """
        if self.epoch or self.iteration:
            finite = [torch.isfinite(weight).all() for weight in self.model.parameters()]
            if not bool(torch.stack(finite).all()):
                done = f"{self.epoch} epochs and {self.iteration} steps"
                raise NotFiniteError(f"a weight after {done}")
        return Checkpoint(
            identity=identity,
            model=self.model.state_dict(),
            optimizer=self.optimizer.state_dict(),
            step_state=self.step.state_dict() if isinstance(self.step, StatefulStep) else None,
            epoch=self.epoch,
            iteration=self.iteration,
            tally=over_processes(self.fabric, self.tally.sums, "sum").cpu(),
            seconds=self.seconds,
            history=self.history.rows(),
            skipped=[(video.path, video.reason) for video in self.history.skipped],
            ema=None if self.average is None else self.average.state_dict(),
            best=self.best.state_dict(),
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to where a checkpoint was made.

        Raises:
            InputError: when it is of another model.
        """
        try:
            self.model.load_state_dict(checkpoint.model)
            self.optimizer.load_state_dict(checkpoint.optimizer)
            self.best.load_state_dict(checkpoint.best)
            if self.average is not None and checkpoint.ema is not None:
                self.average.load_state_dict(checkpoint.ema)
            history = History(
                [EpochRecord(**row) for row in checkpoint.history],
                [BadVideo(*video) for video in checkpoint.skipped],
                self.best.epoch,
            )
        except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError(
                "cannot resume: the checkpoint is of another model or of other frozen parameters; "
                "load the model as the run did"
            ) from error
        if isinstance(self.step, StatefulStep):
            self.step.load_state_dict(checkpoint.step_state)
        self.epoch, self.iteration = checkpoint.epoch, checkpoint.iteration
        # In place: others hold on to it.
        vars(self.history).update(vars(history))
        # The sums are those of all processes, so only one of them may bring them in again.
        if self.fabric.is_global_zero:
            self.tally = Tally(self.fabric.device, checkpoint.tally)
        self._started, self._seconds_before = time.monotonic(), checkpoint.seconds
