"""One step of a training run: the losses of one batch, one after the other."""

from collections.abc import Iterator

from torch import Tensor

from advvid.data.clip_dataset import to_unit
from advvid.data.loader import ClipBatch
from advvid.errors import InputError
from advvid.random_streams import clip_seeds
from advvid.training.labels import smoothed_cross_entropy
from advvid.training.mode import seed_step
from advvid.training.order import derive_seed
from advvid.training.scale.memory_format import clips_channels_last
from advvid.training.scale.processes import batch_share
from advvid.training.state import TrainingState
from advvid.training.task import Loss, StepContext


class Stepper:
    """Takes the task of a run through a batch; `steps` are those of an epoch."""

    def __init__(self, state: TrainingState, *, steps: int, classes: int) -> None:
        self.task, self.networks, self.state = state.task, state.networks, state
        self.fabric, self.settings = state.fabric, state.networks.settings
        self.steps, self.classes = steps, classes
        kept = {id(parameter) for parameter in state.exported.parameters()}
        # Only steps of these change what is exported, and so its average.
        self.exporting = {
            name
            for name in self.networks.optimizers
            if any(id(parameter) in kept for parameter in self.networks.bare[name].parameters())
        }
        self.criterion = smoothed_cross_entropy(self.settings.label_smoothing)

    def take(self, batch: ClipBatch) -> None:
        """Follow the gradients of the losses of one batch, one after the other.

        Pieces of an accumulated batch move on together, so that a step of an optimizer follows the
        gradient of the whole batch.
        """
        fabric, state, count = self.fabric, self.state, len(batch.labels)
        iteration = state.epoch * self.steps + state.iteration
        seed = derive_seed("step", self.settings.seed, iteration, fabric.global_rank)
        seed_step(seed, fabric.device)
        share = batch_share(fabric, count)
        if share.weight == 0:
            return
        self.networks.start_step(iteration, self.steps)
        # All processes take as many passes as the one with fewest clips can.
        pieces = list(self._pieces(batch, min(self.settings.accumulate, share.fewest)))
        losses = [self.task.losses(p, self._context(p, iteration, seed)) for p in pieces]
        while True:
            stepped: set[str | None] = set()
            for number, (piece, ahead) in enumerate(zip(pieces, losses, strict=True), start=1):
                with self.networks.synchronizing(number == len(pieces)):
                    with fabric.autocast():
                        loss = next(ahead, None)
                    stepped.add(None if loss is None else loss.optimizer)
                    if loss is not None:
                        weight = share.weight * len(piece.labels) / count
                        self._follow(loss, piece, weight)
            if len(stepped) > 1:
                raise InputError(
                    f"the losses of a batch differ between its pieces ({stepped}): a task yields "
                    "the same optimizers for every batch"
                )
            name = stepped.pop()
            if name is None:
                return
            self.networks.update(name)
            if state.average is not None and name in self.exporting:
                state.average.update()

    def _pieces(self, batch: ClipBatch, count: int) -> Iterator[ClipBatch]:
        """Bring a batch to the device, and cut it up."""
        clips = to_unit(batch.clips, self.fabric.device)
        if self.settings.channels_last:
            clips = clips_channels_last(clips)
        labels = batch.labels.to(self.fabric.device, non_blocking=True)
        cut = (tensor.tensor_split(count) for tensor in (clips, labels, batch.indices))
        for some, own, indices in zip(*cut, strict=True):
            yield ClipBatch(some, own, indices, [])

    def _context(self, piece: ClipBatch, iteration: int, seed: int) -> StepContext:
        """Say where in the run a piece of a batch is."""
        state, settings = self.state, self.settings
        streams = clip_seeds(derive_seed("clips", settings.seed, state.epoch), piece.indices)
        return StepContext(
            epoch=state.epoch,
            epochs=settings.epochs,
            iteration=iteration,
            total=settings.epochs * self.steps,
            seed=seed,
            shared_seed=derive_seed("shared", settings.seed, iteration),
            clip_seeds=streams.to(self.fabric.device),
            networks=self.networks.trained,
            passes=self.networks.passes,
            criterion=self.criterion,
        )

    def _follow(self, loss: Loss, piece: ClipBatch, weight: float) -> None:
        """Compute the gradient of one loss, and count it."""
        count = len(piece.labels)
        if loss.logits is not None:
            self._check_logits(loss.logits, count)
        self.fabric.backward(loss.value if weight == 1 else loss.value * weight)
        self.state.tally.watch(loss.value, loss.optimizer, count, self.state.iteration)
        if loss.logits is not None:
            labels = piece.labels if loss.labels is None else loss.labels
            self.state.tally.count(loss.value, loss.logits, labels)

    def _check_logits(self, logits: Tensor, count: int) -> None:
        classes = self.classes
        if tuple(logits.shape) != (count, classes):
            raise InputError(
                f"{count} clips of {classes} classes need logits ({count}, {classes}); the model "
                f"gives {tuple(logits.shape)}: load it with num_classes={classes}"
            )
