"""A training run in progress: how it moves by steps and epochs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset
from advvid.data.loader import ClipBatch, clip_loader, to_unit
from advvid.errors import InputError
from advvid.random_streams import clip_seeds
from advvid.training.batches import Batches
from advvid.training.folder import TrainingFolder
from advvid.training.history import EpochRecord, History
from advvid.training.measuring.best_weights import holding
from advvid.training.measuring.measures import Measures, NotFiniteError
from advvid.training.measuring.robust_check import RobustCheck
from advvid.training.measuring.tally import means
from advvid.training.mode import seed_step, set_training
from advvid.training.optimization import learning_rate_factor, set_learning_rate
from advvid.training.order import derive_seed
from advvid.training.progress import TrainingProgress
from advvid.training.scale.memory_format import clips_channels_last
from advvid.training.scale.processes import (
    all_videos,
    average_batch_norm,
    batch_share,
    over_processes,
)
from advvid.training.settings import TrainSettings
from advvid.training.state import TrainingState
from advvid.training.step import (
    EpochContext,
    EpochStep,
    ReplayingStep,
    ReportingStep,
    StepContext,
    TrainStep,
    smoothed_cross_entropy,
)

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
        batches: to train on.
        val_data: as for `train`; may be None.
        robust: as for `train`; may be None.
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
        batches: Batches,
        val_data: ClipDataset | None,
        *,
        robust: RobustCheck | None,
        settings: TrainSettings,
        step: TrainStep,
        folder: TrainingFolder | None,
        display: TrainingProgress,
        identity: dict[str, Any],
    ) -> None:
        self.fabric, self.optimizer = fabric, optimizer
        self.batches, self.settings, self.step = batches, settings, step
        self.folder, self.display, self.identity = folder, display, identity
        self.bare = model
        # For passes that need no synchronization: the same weights, compiled where that is wanted.
        self.passes: nn.Module = torch.compile(model) if settings.compile else model  # type: ignore[assignment]
        # What Fabric wraps shares parameters and state with what is bare.
        self.model, self.stepper = fabric.setup(self.passes, optimizer)
        self.state = TrainingState(fabric, model, optimizer, step, settings.ema)
        self.criterion = smoothed_cross_entropy(settings.label_smoothing)
        self.replays = step.replays if isinstance(step, ReplayingStep) else 1
        self.measures = Measures(fabric, batches, val_data, robust, settings, self.state.history)

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
            self.bare.load_state_dict(kept)
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
        set_training(self.bare, settings.batch_norm, settings.bn_momentum)
        look, every = _LOOK_EVERY.get(fabric.device.type, 16), settings.checkpoint_every
        for batch in self.batches.epoch(
            state.epoch,
            start=state.iteration,
            rank=fabric.global_rank,
            world=fabric.world_size,
            pin_memory=fabric.device.type == "cuda",
        ):
            state.history.skip(batch.skipped)
            self._take_step(batch)
            state.iteration += 1
            at_end = state.iteration == self.batches.steps
            due = every > 0 and state.iteration % every == 0 and not at_end
            if due or at_end or state.iteration % look == 0:
                self._check_finite()
                self._show()
            if due:
                self.save()

    def _take_step(self, batch: ClipBatch) -> None:
        """Follow the gradient of one batch, as often as the step wants."""
        fabric, settings, state = self.fabric, self.settings, self.state
        iteration = state.epoch * self.batches.steps + state.iteration
        seed = derive_seed("step", settings.seed, iteration, fabric.global_rank)
        seed_step(seed, fabric.device)
        count = len(batch.labels)
        share = batch_share(fabric, count)
        if share.weight == 0:
            return
        factor = learning_rate_factor(settings, iteration, self.batches.steps)
        set_learning_rate(self.optimizer, factor)
        clips = to_unit(batch.clips, fabric.device)
        if settings.channels_last:
            clips = clips_channels_last(clips)
        labels = batch.labels.to(fabric.device, non_blocking=True)
        seeds = clip_seeds(derive_seed("clips", settings.seed, state.epoch), batch.indices)
        # All processes take as many passes as the one with fewest clips can.
        cuts = min(settings.accumulate, share.fewest)
        parts = [
            (
                some,
                own,
                StepContext(
                    epoch=state.epoch,
                    epochs=settings.epochs,
                    iteration=iteration,
                    total=settings.epochs * self.batches.steps,
                    seed=seed,
                    shared_seed=derive_seed("shared", settings.seed, iteration),
                    clip_seeds=streams,
                    bare=self.passes,
                    criterion=self.criterion,
                ),
            )
            for some, own, streams in zip(
                *(t.tensor_split(cuts) for t in (clips, labels, seeds.to(fabric.device))),
                strict=True,
            )
        ]
        for replay in range(self.replays):
            for number, (some, own, context) in enumerate(parts, start=1):
                context = replace(context, replay=replay)
                weight = share.weight * len(own) / count
                with self._without_sync(number < len(parts)):
                    with fabric.autocast():
                        loss, logits = self.step(self.model, some, own, context)
                    self._check_logits(logits, len(own))
                    fabric.backward(loss if weight == 1 else loss * weight)
                state.tally.add(loss, logits, own, state.iteration)
            self._update()

    @contextmanager
    def _without_sync(self, wanted: bool) -> Iterator[None]:
        """Leave the gradients of a part of a batch on their process."""
        if wanted and self.fabric.world_size > 1:
            with self.fabric.no_backward_sync(self.model):
                yield
            return
        yield

    def _update(self) -> None:
        """Move the weights by the gradient that has been summed up."""
        if self.settings.grad_clip is not None:
            # A gradient that is not finite shows in the next loss, which stops the run by name.
            self.fabric.clip_gradients(
                self.model,
                self.stepper,
                max_norm=self.settings.grad_clip,
                error_if_nonfinite=False,
            )
        self.stepper.step()
        self.stepper.zero_grad(set_to_none=True)
        if self.state.average is not None:
            self.state.average.update()

    def _close_epoch(self) -> None:
        """Measure, record and write an epoch that is complete."""
        fabric, settings, state = self.fabric, self.settings, self.state
        average_batch_norm(fabric, self.bare)
        epoch = state.epoch + 1
        train_loss, train_top1 = self.measures.mean(state.tally.sums, "training", epoch)
        with state.average.swapped() if state.average is not None else nullcontext():
            measured = self.measures.measure(self.passes, epoch)
            if self.measures.chooses:
                state.best.offer(self.bare, measured.score, epoch)
        if isinstance(self.step, EpochStep):
            self.step.end_epoch(self._epoch_context())
        told = {}
        if isinstance(self.step, ReportingStep):
            told = dict(self.step.report(state.epoch, settings.epochs, self.batches.steps))
        state.history.skipped = all_videos(fabric, state.history.skipped)
        state.history.best_epoch = state.best.epoch
        last = (state.epoch + 1) * self.batches.steps - 1
        record = EpochRecord(
            epoch=epoch,
            train_loss=train_loss,
            train_top1=train_top1,
            lr=settings.lr * learning_rate_factor(settings, last, self.batches.steps),
            seconds=state.seconds,
            step=told,
            **vars(measured),
        )
        state.next_epoch(record)
        self.save()
        self._write_files()
        self.display.epoch(record)
        fabric.barrier()

    def _epoch_context(self) -> EpochContext:
        fabric, settings = self.fabric, self.settings

        def batches(data: ClipDataset) -> Iterator[ClipBatch]:
            yield from clip_loader(
                data,
                batch_size=self.measures.share,
                workers=settings.workers,
                keys=range(fabric.global_rank, len(data), fabric.world_size),
                pin_memory=fabric.device.type == "cuda",
            )

        return EpochContext(
            epoch=self.state.epoch + 1,
            epochs=settings.epochs,
            seed=settings.seed,
            bare=self.passes,
            device=fabric.device,
            batches=batches,
            total=lambda tensor: over_processes(fabric, tensor, "sum"),
            autocast=fabric.autocast,
        )

    def _kept_weights(self) -> Mapping[str, Tensor]:
        """Give the weights that are kept, the best or the average; nothing where the last are."""
        state = self.state
        if self.measures.chooses:
            return state.best.weights
        return {} if state.average is None else state.average.average

    def _write_files(self) -> None:
        if self.folder is not None and self.fabric.is_global_zero:
            with holding(self.bare, self._kept_weights()):
                self.folder.write_epoch(
                    self.bare, self.state.history, finished=self._done(), step=self.step
                )

    def _check_finite(self) -> None:
        first_bad = int(over_processes(self.fabric, self.state.tally.first_bad, "max"))
        if first_bad >= 0:
            raise NotFiniteError(
                f"the loss of epoch {self.state.epoch + 1}, step {first_bad + 1} of "
                f"{self.batches.steps},"
            )

    def _check_logits(self, logits: Tensor, count: int) -> None:
        classes = len(self.batches.classes)
        if tuple(logits.shape) != (count, classes):
            raise InputError(
                f"{count} clips of {classes} classes need logits ({count}, {classes}); the model "
                f"gives {tuple(logits.shape)}: load it with num_classes={classes}"
            )

    def _show(self) -> None:
        if self.display.shown:
            done = self.state.epoch * self.batches.steps + self.state.iteration
            self.display.step(done, self.state.epoch, *means(self.state.tally.sums))
