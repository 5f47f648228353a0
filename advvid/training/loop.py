"""A training run in progress, by steps and epochs."""

import warnings
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from advvid.data.clip_dataset import ClipDataset
from advvid.runs.progress import Bar
from advvid.training.batches import Batches
from advvid.training.measuring.best_weights import holding
from advvid.training.measuring.catastrophic_overfitting import onset
from advvid.training.measuring.measures import Measures, NotFiniteError
from advvid.training.measuring.robust_check import RobustCheck
from advvid.training.measuring.tally import means
from advvid.training.optimization import learning_rate_factor
from advvid.training.records.folder import TrainingFolder
from advvid.training.records.history import EpochRecord, History, epoch_line
from advvid.training.scale.processes import all_videos, over_processes
from advvid.training.state import TrainingState
from advvid.training.stepping import Stepper
from advvid.training.task import EpochContext

# Reading a loss back from a GPU holds up its queue, so it is looked at only now and then.
_LOOK_EVERY = {"cpu": 1}


class TrainingRun:
    """Takes a task through its epochs; made by `advvid.training.train`.

    Args:
        state: of the run, at its beginning.
        batches: to train on.
        val_data: to measure on, or None.
        robust: accuracy under attack, or None.
        folder: where the run is written, or None.
        bar: shows progress.
        identity: goes into checkpoints, see `check_same_run`.
    """

    def __init__(
        self,
        state: TrainingState,
        batches: Batches,
        val_data: ClipDataset | None,
        *,
        robust: RobustCheck | None,
        folder: TrainingFolder | None,
        bar: Bar,
        identity: dict[str, Any],
    ) -> None:
        self.state, self.task, self.networks = state, state.task, state.networks
        self.exported, self.fabric = state.exported, state.fabric
        self.settings = self.networks.settings
        self.batches, self.folder, self.bar, self.identity = batches, folder, bar, identity
        own = [name for name, one in self.networks.bare.items() if one is self.exported]
        self.measured = self.networks.passes[own[0]] if own else self.exported
        self.stepper = Stepper(state, steps=batches.steps, classes=len(batches.classes))
        self.measures = Measures(
            self.fabric, batches, val_data, robust, self.settings, self.state.history
        )

    def finish(self) -> History:
        """Run all epochs that are left, and leave the weights in the model that are kept.

        Raises:
            InputError: when no clip can be read.
            NotFiniteError: when the loss is not finite.
        """
        if self._done():
            # A run may be killed between its last checkpoint and the files made from it.
            self._write_files()
        while not self._done():
            self._train_epoch()
            self._close_epoch()
        if kept := self._kept_weights():
            self.exported.load_state_dict(kept)
        return self.state.history

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        checkpoint = self.state.checkpoint(self.identity)
        if self.folder is not None and self.fabric.is_global_zero:
            self.folder.save(checkpoint)

    def _done(self) -> bool:
        """Whether all epochs are over, or patience is."""
        state, patience = self.state, self.settings.patience
        if state.epoch >= self.settings.epochs:
            return True
        over = patience is not None and state.best.waited(state.epoch) >= patience
        return over and state.iteration == 0

    def _train_epoch(self) -> None:
        """Take the steps that are left of an epoch."""
        fabric, settings, state = self.fabric, self.settings, self.state
        self.networks.start_epoch()
        look, every = _LOOK_EVERY.get(fabric.device.type, 16), settings.checkpoint_every
        for batch in self.batches.epoch(
            state.epoch,
            start=state.iteration,
            rank=fabric.global_rank,
            world=fabric.world_size,
            pin_memory=fabric.device.type == "cuda",
        ):
            state.history.skip(batch.skipped)
            self.stepper.take(batch)
            state.iteration += 1
            at_end = state.iteration == self.batches.steps
            due = every > 0 and state.iteration % every == 0 and not at_end
            if due or at_end or state.iteration % look == 0:
                self._check_finite()
                self._show()
            if due:
                self.save()

    def _close_epoch(self) -> None:
        """Measure, record and write an epoch that is complete."""
        fabric, settings, state = self.fabric, self.settings, self.state
        self.networks.close_epoch()
        epoch, by_optimizer = state.epoch + 1, over_processes(fabric, state.tally.sums[1:], "sum")
        train_loss, train_top1 = self.measures.mean(state.tally.sums[0], "training", epoch)
        with holding(self.exported, self._averaged()):
            measured = self.measures.measure(
                self.measured,
                epoch,
                train_top1=train_top1,
                counted=self.task.counted_attack(state.epoch, settings.epochs, self.batches.steps),
            )
            if self.measures.chooses:
                state.best.offer(self.exported, measured.score, epoch)
        self.task.end_epoch(
            EpochContext(
                epoch=epoch,
                epochs=settings.epochs,
                seed=settings.seed,
                passes=self.networks.passes,
                device=fabric.device,
                batches=self.measures.view,
                total=lambda tensor: over_processes(fabric, tensor, "sum"),
                autocast=fabric.autocast,
            )
        )
        reported = dict(self.task.report(state.epoch, settings.epochs, self.batches.steps))
        state.history.skipped = all_videos(fabric, state.history.skipped)
        state.history.best_epoch = state.best.epoch
        last = (state.epoch + 1) * self.batches.steps - 1
        record = EpochRecord(
            epoch=epoch,
            train_loss=train_loss,
            train_top1=train_top1,
            lr=settings.lr * learning_rate_factor(settings, last, self.batches.steps),
            seconds=state.seconds,
            losses={n: means(row)[0] for n, row in zip(state.listed, by_optimizer, strict=True)},
            step=reported,
            **vars(measured),
        )
        state.next_epoch(record)
        self.save()
        self._write_files()
        self.bar.print(epoch_line(record, settings.epochs))
        self._warn(record)
        fabric.barrier()

    def _warn(self, record: EpochRecord) -> None:
        """Say at once when catastrophic overfitting begins."""
        _, *before, _ = (None, *self.state.history.epochs)
        warning = onset(before[-1] if before else None, record)
        if warning and self.fabric.is_global_zero:
            warnings.warn(warning, stacklevel=1)

    def _kept_weights(self) -> Mapping[str, Tensor]:
        """Give the weights that are kept, the best or the average; nothing where the last are."""
        if self.measures.chooses:
            return self.state.best.weights
        return self._averaged()

    def _averaged(self) -> Mapping[str, Tensor]:
        """Give the moving average of the weights; nothing where there is none."""
        return {} if self.state.average is None else self.state.average.average

    def _write_files(self) -> None:
        if self.folder is not None and self.fabric.is_global_zero:
            with holding(self.exported, self._kept_weights()):
                self.folder.write_epoch(
                    self.exported, self.state.history, finished=self._done(), task=self.task
                )

    def _check_finite(self) -> None:
        first_bad = int(over_processes(self.fabric, self.state.tally.first_bad, "max"))
        if first_bad >= 0:
            raise NotFiniteError(
                f"the loss of epoch {self.state.epoch + 1}, step {first_bad + 1} of "
                f"{self.batches.steps},"
            )

    def _show(self) -> None:
        if self.bar.shown:
            loss, top1 = means(self.state.tally.sums[0])
            self.bar.set(
                self.state.epoch * self.batches.steps + self.state.iteration,
                f"epoch {self.state.epoch + 1}/{self.settings.epochs}",
                f"loss {loss:.3f} top-1 {top1:.3f}",
            )
