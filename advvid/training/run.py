"""A training run in progress: how it moves by steps and epochs."""

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset
from advvid.data.loader import ClipBatch, clip_loader, to_unit
from advvid.errors import InputError
from advvid.training.folder import TrainingFolder
from advvid.training.history import EpochRecord, History
from advvid.training.mode import seed_step, set_training
from advvid.training.optimization import learning_rate_factor, set_learning_rate
from advvid.training.order import derive_seed, epoch_keys, steps_per_epoch
from advvid.training.processes import all_videos, average_batch_norm, batch_weight, over_processes
from advvid.training.progress import TrainingProgress
from advvid.training.settings import TrainSettings
from advvid.training.state import TrainingState
from advvid.training.step import StepContext, TrainStep, smoothed_cross_entropy
from advvid.training.tally import means
from advvid.training.validation import validate

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# Reading a loss back from a GPU holds up its queue, so it is looked at only now and then.
_LOOK_EVERY = {"cpu": 1}


class TrainingRun:
    """The motion of one run; made by `advvid.training.train`.

    Args:
        fabric: launched.
        model: the bare module.
        optimizer: over its parameters.
        train_data: as for `train`; so are the next four.
        val_data: may be None.
        settings: of the run.
        step: what a step trains on.
        folder: where the run is written, or None.
        display: shows progress.
        identity: goes into checkpoints, see `check_same_run`.
    """

    def __init__(
        self,
        fabric: "Fabric",
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        train_data: ClipDataset,
        val_data: ClipDataset | None,
        *,
        settings: TrainSettings,
        step: TrainStep,
        folder: TrainingFolder | None,
        display: TrainingProgress,
        identity: dict[str, Any],
    ) -> None:
        self.fabric, self.bare, self.optimizer = fabric, model, optimizer
        self.train_data, self.val_data = train_data, val_data
        self.settings, self.step = settings, step
        self.folder, self.display, self.identity = folder, display, identity
        # What Fabric wraps shares parameters and state with what is bare.
        self.model, self.stepper = fabric.setup(model, optimizer)
        self.state = TrainingState(fabric, model, optimizer, step)
        self.criterion = smoothed_cross_entropy(settings.label_smoothing)
        self.per_epoch = steps_per_epoch(len(train_data), settings.batch_size)
        self.share = settings.batch_size // fabric.world_size

    def finish(self) -> History:
        """Run all epochs that are left.

        Raises:
            InputError: when the loss is not finite, or no clip can be read.
        """
        if self.state.epoch == self.settings.epochs:
            # A run may be killed between its last checkpoint and the files made from it.
            self._write_files()
        while self.state.epoch < self.settings.epochs:
            self._train_epoch()
            self._close_epoch()
        return self.state.history

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        checkpoint = self.state.checkpoint(self.identity)
        if self.folder is not None and self.fabric.is_global_zero:
            self.folder.save(checkpoint)

    def _train_epoch(self) -> None:
        """Take the steps that are left of an epoch."""
        fabric, settings, state = self.fabric, self.settings, self.state
        keys = epoch_keys(
            len(self.train_data), batch_size=settings.batch_size, seed=settings.seed,
            epoch=state.epoch, rank=fabric.global_rank, world=fabric.world_size,
        )  # fmt: skip
        loader = clip_loader(
            self.train_data,
            batch_size=self.share,
            keys=keys[state.iteration * self.share :],
            workers=settings.workers,
            pin_memory=fabric.device.type == "cuda",
        )
        set_training(self.bare, settings.batch_norm, settings.bn_momentum)
        look, every = _LOOK_EVERY.get(fabric.device.type, 16), settings.checkpoint_every
        for batch in loader:
            state.history.skip(batch.skipped)
            self._take_step(batch)
            state.iteration += 1
            at_end = state.iteration == self.per_epoch
            due = every > 0 and state.iteration % every == 0 and not at_end
            if due or at_end or state.iteration % look == 0:
                self._check_finite()
                self._show()
            if due:
                self.save()

    def _take_step(self, batch: ClipBatch) -> None:
        """Follow the gradient of one batch."""
        fabric, settings, state = self.fabric, self.settings, self.state
        iteration = state.epoch * self.per_epoch + state.iteration
        seed = derive_seed("step", settings.seed, iteration, fabric.global_rank)
        seed_step(seed, fabric.device)
        weight = batch_weight(fabric, len(batch.labels))
        if weight == 0:
            return
        factor = learning_rate_factor(settings, iteration, self.per_epoch)
        set_learning_rate(self.optimizer, factor)
        context = StepContext(
            epoch=state.epoch,
            iteration=iteration,
            total=settings.epochs * self.per_epoch,
            seed=seed,
            bare=self.bare,
            criterion=self.criterion,
        )
        clips = to_unit(batch.clips, fabric.device)
        labels = batch.labels.to(fabric.device, non_blocking=True)
        with fabric.autocast():
            loss, logits = self.step(self.model, clips, labels, context)
        self._check_logits(logits, len(batch.labels))
        fabric.backward(loss if weight == 1 else loss * weight)
        if settings.grad_clip is not None:
            # A gradient that is not finite shows in the next loss, which stops the run by name.
            fabric.clip_gradients(
                self.model, self.stepper, max_norm=settings.grad_clip, error_if_nonfinite=False
            )
        self.stepper.step()
        self.stepper.zero_grad(set_to_none=True)
        state.tally.add(loss, logits, labels, state.iteration)

    def _close_epoch(self) -> None:
        """Measure, record and write an epoch that is complete."""
        fabric, settings, state = self.fabric, self.settings, self.state
        average_batch_norm(fabric, self.bare)
        train_loss, train_top1 = self._measured(state.tally.sums, "training")
        val_loss = val_top1 = None
        if self.val_data is not None:
            sums, skipped = validate(
                fabric, self.bare, self.val_data, batch_size=self.share, workers=settings.workers
            )
            state.history.skip(skipped)
            val_loss, val_top1 = self._measured(sums, "validation")
        state.history.skipped = all_videos(fabric, state.history.skipped)
        last = (state.epoch + 1) * self.per_epoch - 1
        record = EpochRecord(
            epoch=state.epoch + 1,
            train_loss=train_loss,
            train_top1=train_top1,
            val_loss=val_loss,
            val_top1=val_top1,
            lr=settings.lr * learning_rate_factor(settings, last, self.per_epoch),
            seconds=state.seconds,
        )
        state.next_epoch(record)
        self.save()
        self._write_files()
        self.display.epoch(record)
        fabric.barrier()

    def _write_files(self) -> None:
        if self.folder is not None and self.fabric.is_global_zero:
            self.folder.write_epoch(self.bare, self.state.history, epochs=self.settings.epochs)

    def _measured(self, sums: Tensor, what: str) -> tuple[float, float]:
        """Give mean loss and top-1 over all processes, or say why there are none."""
        sums = over_processes(self.fabric, sums, "sum")
        if sums[2] == 0:
            videos = all_videos(self.fabric, self.state.history.skipped)
            raise InputError(
                f"no {what} clip of epoch {self.state.epoch + 1} can be read (first: "
                f"{videos[0].path}: {videos[0].reason}): repair or replace the videos"
            )
        loss, top1 = means(sums)
        if not math.isfinite(loss):
            raise self._not_finite(f"the {what} loss of epoch {self.state.epoch + 1}")
        return loss, top1

    def _check_finite(self) -> None:
        first_bad = int(over_processes(self.fabric, self.state.tally.first_bad, "max"))
        if first_bad >= 0:
            raise self._not_finite(
                f"the loss of epoch {self.state.epoch + 1}, step {first_bad + 1} of "
                f"{self.per_epoch},"
            )

    def _not_finite(self, what: str) -> InputError:
        kept = "none was written" if self.folder is None else self.folder.checkpoint
        return InputError(
            f"{what} is NaN or infinite: lower the learning rate, warm up or clip gradients "
            f"(last good checkpoint: {kept})"
        )

    def _check_logits(self, logits: Tensor, count: int) -> None:
        classes = len(self.train_data.classes)
        if tuple(logits.shape) != (count, classes):
            raise InputError(
                f"{count} clips of {classes} classes need logits ({count}, {classes}); the model "
                f"gives {tuple(logits.shape)}: load it with num_classes={classes}"
            )

    def _show(self) -> None:
        if self.display.shown:
            done = self.state.epoch * self.per_epoch + self.state.iteration
            self.display.step(done, self.state.epoch, *means(self.state.tally.sums))
