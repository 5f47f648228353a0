"""Clips to work through, a batch at a time: in memory, or read from a data set when needed."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from advvid.checks import check_clips, check_count, check_label_form, check_seed, check_workers
from advvid.data.clip_dataset import (
    ClipDataset,
    balanced_order,
    to_unit,
    whole_numbers,
)
from advvid.data.clip_origin import ClipOrigin, first_equals
from advvid.data.loader import ClipBatch, clip_loader
from advvid.data.video.bad_video import BadVideo
from advvid.errors import InputError
from advvid.methods.arguments import checked


@runtime_checkable
class ClipSource(Protocol):
    """Clips by position, float32 in [0, 1]; the labels of a batch are None where unknown."""

    skipped: list[BadVideo]

    def __len__(self) -> int:
        """Number of clips."""
        ...

    def batches(self, positions: Sequence[int], size: int) -> Iterator[ClipBatch[Tensor | None]]:
        """Give the clips at some positions, `size` at a time; fewer where one cannot be read."""
        ...

    def origin(self, position: int) -> ClipOrigin:
        """Tell where a clip comes from."""
        ...

    def identity(self) -> tuple[list[Tensor], list[Any]]:
        """Give what tells this source from others: tensors, and facts with a plain `repr`."""
        ...


class MemoryClips:
    """Clips held in memory.

    Args:
        clips: (N, 3, T, H, W) in [0, 1].
        labels: int64 (N,), or None for the predictions of the model.
        videos: names of the videos that the clips are taken from (N,); None takes each clip for a
            video of its own.
    """

    def __init__(
        self, clips: Tensor, labels: Tensor | None, videos: Sequence[str] | None = None
    ) -> None:
        check_clips(clips)
        if labels is not None:
            check_label_form(labels, len(clips))
        self.clips = clips
        self.labels = labels
        self.videos = videos
        self.skipped: list[BadVideo] = []

    def __len__(self) -> int:
        return len(self.clips)

    def batches(self, positions: Sequence[int], size: int) -> Iterator[ClipBatch[Tensor | None]]:
        """Give the clips at some positions, `size` at a time."""
        for start in range(0, len(positions), size):
            at = torch.as_tensor(positions[start : start + size], device=self.clips.device)
            labels = None if self.labels is None else self.labels[at]
            yield ClipBatch(self.clips[at], labels, at, [])

    def origin(self, position: int) -> ClipOrigin:
        """Tell where a clip comes from; one that equals an earlier clip comes from the same."""
        first = self._firsts[position]
        return ClipOrigin(f"clip {first}" if self.videos is None else self.videos[first])

    @cached_property
    def _firsts(self) -> list[int]:
        """For every clip, the first that has the same pixels."""
        return first_equals(self.clips)

    def identity(self) -> tuple[list[Tensor], list[Any]]:
        """Give what tells this source from others."""
        facts = [] if self.videos is None else [list(self.videos)]
        return [self.clips, *([] if self.labels is None else [self.labels])], facts


@checked
class DatasetClips:
    """Clips of a data set, read when they are asked for.

    The first `count` of a random order that takes the classes in turn, as `ClipDataset.sample`.

    Args:
        dataset: where they come from.
        count: N; None takes all.
        seed: of the draw.
        indices: of clips, as they are, in place of a draw.
        labels: "true", or "predicted" for the predictions of the model.
        table: int64 (K,): labels of the data set -> labels of the model; None leaves them.
        workers: processes that read clips.
    """

    def __init__(
        self,
        dataset: ClipDataset,
        count: int | None = None,
        *,
        seed: int = 0,
        indices: Sequence[int] | None = None,
        labels: Literal["true", "predicted"] = "true",
        table: Tensor | None = None,
        workers: int = 0,
    ) -> None:
        if count is not None:
            check_count("count", count)
        check_workers(workers)
        if table is not None:
            _check_table(table, len(dataset.classes))
        check_seed(seed)
        if indices is None:
            order = balanced_order(dataset.labels, np.random.default_rng(seed))
        else:
            order = whole_numbers("indices", indices)
        self.indices = order if count is None else order[:count]
        self.dataset = dataset
        self.labels = labels
        self.table = table
        self.workers = workers
        self.skipped: list[BadVideo] = []

    def __len__(self) -> int:
        return len(self.indices)

    def batches(self, positions: Sequence[int], size: int) -> Iterator[ClipBatch[Tensor | None]]:
        """Give the clips at some positions, `size` at a time; fewer where one cannot be read."""
        at = {int(self.indices[position]): position for position in positions}
        loader = clip_loader(self.dataset, batch_size=size, keys=list(at), workers=self.workers)
        for batch in loader:
            self.skipped += [bad for bad in batch.skipped if bad not in self.skipped]
            if len(batch.clips) == 0:
                continue
            labels = batch.labels if self.table is None else self.table[batch.labels]
            places = torch.tensor([at[int(index)] for index in batch.indices])
            known = None if self.labels == "predicted" else labels
            yield ClipBatch(to_unit(batch.clips), known, places, batch.skipped)

    def first(self) -> Tensor:
        """Read one clip, float32 (1, 3, T, H, W), to see what the clips are like.

        Raises:
            InputError: when not one can be read.
        """
        for position in range(len(self)):
            for batch in self.batches([position], 1):
                return batch.clips
        raise InputError(f"no clip of {self.dataset.name} can be read: repair the videos")

    def origin(self, position: int) -> ClipOrigin:
        """Tell where a clip comes from."""
        return self.dataset.origin(int(self.indices[position]))

    def identity(self) -> tuple[list[Tensor], list[Any]]:
        """Give what tells this source from others; decodes nothing."""
        names = [self.dataset.identity(int(index)) for index in self.indices]
        table = None if self.table is None else self.table.tolist()
        return [], [self.dataset.name, self.dataset.clip_shape, names, self.labels, table]


def _check_table(table: Tensor, classes: int) -> None:
    whole = not table.is_floating_point() and table.dtype != torch.bool and not table.is_complex()
    if not whole or table.shape != (classes,):
        raise InputError(
            f"table must be whole numbers ({classes},), one a class of the data; got {table.dtype} "
            f"{tuple(table.shape)}"
        )
