"""Where a training run takes its batches from: a data set, or somebody's own loader."""

import hashlib
from collections.abc import Iterable, Iterator, Sized
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from advvid.checks import check_clips
from advvid.data.clip_dataset import ClipDataset
from advvid.data.loader import ClipBatch, clip_loader
from advvid.data.wrapping import as_dataset
from advvid.errors import InputError
from advvid.methods.kinds import is_of
from advvid.training.labels import check_any_labels
from advvid.training.order import epoch_keys, steps_per_epoch
from advvid.training.settings import TrainSettings


class Batches(Protocol):
    """Batches, epoch by epoch."""

    name: str
    classes: tuple[str, ...]
    clip_shape: tuple[int, int, int, int]
    steps: int
    """In an epoch."""

    def check(self, world: int) -> None:
        """Raise an InputError when so many processes cannot share the batches."""
        ...

    def epoch(
        self, epoch: int, *, start: int, rank: int, world: int, pin_memory: bool
    ) -> Iterator[ClipBatch]:
        """Give the batches of an epoch from step `start` on: the share of one process."""
        ...

    def facts(self) -> dict[str, str]:
        """Give what must be the same at a resume."""
        ...

    def sample(self) -> ClipDataset | None:
        """Give the clips, where they can be measured too."""
        ...


class DatasetBatches:
    """Batches of a data set, in its training view; a function of (seed, epoch, step).

    Args:
        data: the clips.
        settings: batch size, seed and workers count.
    """

    def __init__(self, data: ClipDataset, settings: TrainSettings) -> None:
        self.data, self.settings = data, settings
        self.name, self.classes, self.clip_shape = data.name, data.classes, data.clip_shape
        self.steps = steps_per_epoch(len(data), settings.batch_size)

    def check(self, world: int) -> None:
        """Say at once when the batches cannot be shared."""
        self._keys(0, 0, world)

    def epoch(
        self, epoch: int, *, start: int, rank: int, world: int, pin_memory: bool
    ) -> Iterator[ClipBatch]:
        """Load the batches of an epoch from step `start` on."""
        share = self.settings.batch_size // world
        yield from clip_loader(
            self.data,
            batch_size=share,
            keys=self._keys(epoch, rank, world)[start * share :],
            workers=self.settings.workers,
            pin_memory=pin_memory,
        )

    def facts(self) -> dict[str, str]:
        """Name, number and digest of the clips; decodes nothing."""
        return {
            "data": self.name,
            "clips": f"{len(self.data)} ({clips_digest(self.data)})",
            "clip_shape": "x".join(map(str, self.clip_shape)),
        }

    def sample(self) -> ClipDataset:
        """Give the data set."""
        return self.data

    def _keys(self, epoch: int, rank: int, world: int) -> list[tuple[int, int]]:
        return epoch_keys(
            len(self.data),
            batch_size=self.settings.batch_size,
            seed=self.settings.seed,
            epoch=epoch,
            rank=rank,
            world=world,
        )


class LoaderBatches:
    """Batches of a loader that yields (clips, labels), on one process.

    Its order and augmentation are its own, so a run that was killed resumes with other draws.

    Args:
        loader: of known length; clips (B, 3, T, H, W), uint8 or float in [0, 1], and labels,
            (B,) or soft (B, K) float.
        classes: names in label order.

    Raises:
        InputError: when the loader has no length or no batch, or yields something else.
    """

    def __init__(self, loader: Iterable[Any], classes: tuple[str, ...]) -> None:
        if not isinstance(loader, Sized) or len(loader) == 0:
            raise InputError("the loader needs a length of at least 1: give a DataLoader")
        self.loader, self.classes, self.name = loader, classes, type(loader).__name__
        self.steps = len(loader)
        clips, _ = _pair(next(iter(loader)), len(classes))
        channels, frames, height, width = clips.shape[1:]
        self.clip_shape = (channels, frames, height, width)

    def check(self, world: int) -> None:
        """Refuse several processes: each would see all batches."""
        if world > 1:
            raise InputError(
                f"a loader feeds one process, not {world}: give `advvid.train` a data set"
            )

    def epoch(
        self, epoch: int, *, start: int, rank: int, world: int, pin_memory: bool
    ) -> Iterator[ClipBatch]:
        """Go through the loader once, from step `start` on."""
        del epoch, rank, world, pin_memory
        seen = 0
        for step, content in enumerate(self.loader):
            clips, labels = _pair(content, len(self.classes))
            indices = torch.arange(seen, seen + len(labels))
            seen += len(labels)
            if step >= start:
                yield ClipBatch(clips, labels, indices, [])

    def facts(self) -> dict[str, str]:
        """Name, steps and shape: nothing else is known of a loader."""
        return {
            "data": self.name,
            "clips": f"{self.steps} batches",
            "clip_shape": "x".join(map(str, self.clip_shape)),
        }

    def sample(self) -> ClipDataset | None:
        """Give None: nothing is known of single clips."""
        return None


def as_batches(data: Any, settings: TrainSettings, model: nn.Module) -> Batches:
    """Take batches from what holds them, or make them of clips.

    Args:
        data: `Batches`, or what `advvid.data.as_dataset` takes. Classes without names are counted
            as those of the model.
        settings: see `DatasetBatches`.
        model: of as many classes.

    Raises:
        InputError: when it holds no clips.
    """
    if not isinstance(data, Dataset | DataLoader) and is_of(data, Batches):
        batches: Batches = data
        return batches
    held = data.dataset if isinstance(data, DataLoader) else data
    names = getattr(held, "classes", None) or getattr(model, "classes", None)
    count = getattr(model, "num_classes", None)
    if not names and isinstance(count, int):
        names = [str(number) for number in range(count)]
    return DatasetBatches(as_dataset(data, classes=names or None), settings)


def default_settings(data: Any) -> TrainSettings:
    """Give the settings of a run where none are given: a `DataLoader` says how it is read."""
    if isinstance(data, DataLoader) and data.batch_size is not None:
        return TrainSettings(batch_size=data.batch_size, workers=data.num_workers)
    return TrainSettings()


def _pair(content: Any, classes: int) -> tuple[Tensor, Tensor]:
    """Check what a loader yields, and make its labels int64 unless they are soft."""
    if not isinstance(content, tuple | list) or len(content) < 2:
        raise InputError(f"the loader must yield (clips, labels); got {type(content).__name__}")
    clips, labels = content[0], content[1]
    if not (isinstance(clips, Tensor) and isinstance(labels, Tensor) and clips.ndim == 5):
        raise InputError(
            "the loader must yield tensors, clips (B, 3, T, H, W) and labels (B,); got "
            f"{getattr(clips, 'shape', type(clips).__name__)} and "
            f"{getattr(labels, 'shape', type(labels).__name__)}"
        )
    if len(clips):
        if clips.is_floating_point():
            check_clips(clips)
        check_any_labels(labels, len(clips), classes)
    return clips, labels if labels.is_floating_point() else labels.to(torch.int64)


def clips_digest(data: ClipDataset) -> str:
    """Hash names and labels of all clips, so that another split is recognized; decodes nothing."""
    names = (data.identity(index) for index in range(len(data)))
    content = "\n".join(f"{name} {label}" for name, label in zip(names, data.labels, strict=True))
    return hashlib.blake2b(content.encode(), digest_size=4).hexdigest()
