"""How far a training run is, and how that is saved in a checkpoint and restored."""

import time
from typing import Any

import torch
from torch import Tensor, nn

from advvid.data.video.bad_video import BadVideo
from advvid.errors import InputError
from advvid.runs.stored import StoredError, restored
from advvid.training.measuring.best_weights import BestWeights
from advvid.training.measuring.measures import NotFiniteError
from advvid.training.measuring.tally import Tally
from advvid.training.networks import Networks
from advvid.training.records.checkpoints import Checkpoint
from advvid.training.records.fitting import check_fitting
from advvid.training.records.history import EpochRecord, History
from advvid.training.scale.processes import over_processes
from advvid.training.task import Task
from advvid.training.weight_average import WeightAverage


class TrainingState:
    """Everything of a run that changes from step to step; `exported` is measured and saved."""

    def __init__(self, task: Task, networks: Networks, exported: nn.Module) -> None:
        self.fabric, self.task, self.networks = networks.fabric, task, networks
        self.exported, ema = exported, networks.settings.ema
        self.average = None if ema is None else WeightAverage(exported, ema)
        self.best = BestWeights()
        self.history = History()
        self.epoch = self.iteration = 0
        # One loss alone is the loss of the epoch.
        self.listed = tuple(networks.optimizers) if len(networks.optimizers) > 1 else ()
        self.tally = self._new_tally()
        self._started, self._seconds_before = time.monotonic(), 0.0

    @property
    def seconds(self) -> float:
        """Wall time spent in this epoch, before an interruption too."""
        return self._seconds_before + time.monotonic() - self._started

    def next_epoch(self, record: EpochRecord) -> None:
        """Put an epoch that is complete into the history, and start the next."""
        self.history.epochs.append(record)
        self.epoch, self.iteration = self.epoch + 1, 0
        self.tally = self._new_tally()
        self._started, self._seconds_before = time.monotonic(), 0.0

    def _new_tally(self, sums: Tensor | None = None) -> Tally:
        return Tally(self.fabric.device, self.listed, sums)

    def checkpoint(self, identity: dict[str, Any]) -> Checkpoint:
        """Collect a checkpoint; every process has to call this.

        Raises:
            NotFiniteError: when a step has broken the weights, which the loss of the next would
                show only after the last good checkpoint is gone.
        """
        if self.epoch or self.iteration:
            weights = (w for network in self.networks.bare.values() for w in network.parameters())
            finite = [torch.isfinite(weight).all() for weight in weights]
            if not bool(torch.stack(finite).all()):
                done = f"{self.epoch} epochs and {self.iteration} steps"
                raise NotFiniteError(f"a weight after {done}")
        return Checkpoint(
            identity=identity,
            networks={name: n.state_dict() for name, n in self.networks.bare.items()},
            optimizers={name: o.state_dict() for name, o in self.networks.optimizers.items()},
            task_state=self.task.state_dict(),
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
        """Restore the moment at which a checkpoint was made.

        Raises:
            InputError: when it is of another model.
        """
        try:
            check_fitting(
                checkpoint,
                exported=self.exported,
                optimizers=self.networks.optimizers,
                averaged=self.average is not None,
            )
            for name, network in self.networks.bare.items():
                network.load_state_dict(checkpoint.networks[name])
            for name, optimizer in self.networks.optimizers.items():
                optimizer.load_state_dict(checkpoint.optimizers[name])
            self.best.load_state_dict(checkpoint.best)
            if self.average is not None and checkpoint.ema is not None:
                self.average.load_state_dict(checkpoint.ema)
            history = History(
                [restored(EpochRecord, row) for row in checkpoint.history],
                [BadVideo(*video) for video in checkpoint.skipped],
                self.best.epoch,
            )
        except StoredError as error:
            raise InputError(
                f"cannot resume: the checkpoint holds {error}: start another run in another folder"
            ) from error
        except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError(
                "cannot resume: the checkpoint is of another model or of other frozen parameters; "
                "load the model as the run did"
            ) from error
        try:
            self.task.load_state_dict(checkpoint.task_state)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError(
                "cannot resume: the checkpoint holds no state of this defense: start another run "
                "in another folder"
            ) from error
        self.epoch, self.iteration = checkpoint.epoch, checkpoint.iteration
        # In place: others hold on to it.
        vars(self.history).update(vars(history))
        # The sums are those of all processes, so only one of them may count them again.
        if self.fabric.is_global_zero:
            self.tally = self._new_tally(checkpoint.tally)
        self._started, self._seconds_before = time.monotonic(), checkpoint.seconds
