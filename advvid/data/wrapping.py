"""What others hold clips in, as a data set or a source of clips."""

from collections.abc import Iterable, Sequence, Sized
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
)

from advvid.data.clip_dataset import ClipDataset
from advvid.data.clip_source import ClipSource, DatasetClips
from advvid.data.torch_dataset import Collate, TorchDataset, seeded
from advvid.errors import InputError

WANTED = (
    "give a data set of `advvid.load_dataset`, a torch Dataset of (clip, label), or a DataLoader"
)
_KNOWN = "a source of clips brings its videos along: leave videos out"


def as_dataset(
    data: Any, *, classes: Sequence[str] | None = None, videos: Sequence[str | int] | None = None
) -> ClipDataset:
    """Take clips with labels from what holds them.

    Args:
        data: a `ClipDataset` passes through. A map-style torch `Dataset` of (clip, label): clips
            (3, T, H, W), uint8 or floating point in [0, 1], all of one shape, and whole numbers. A
            `DataLoader` of such a data set: each item that its sampler takes, once, in the order of
            the data set, through its `collate_fn`; batch size, shuffling and `drop_last` mean
            nothing here. What has no random access (an `IterableDataset`) is refused.
        classes: names in label order; None takes those of `data.classes`, or the numbers of the
            labels.
        videos: name or number of the video that each clip is taken from, (N,), of a torch
            `Dataset` or a `DataLoader` of one; None takes each clip for a video of its own.

    Returns:
        A data set, read when it is asked for. Labels are those that the data set states (as
        `targets` or `labels`); without them each item is read once to know them.

    Raises:
        InputError: for anything else, and when an item cannot be used.
    """
    held = data.dataset if isinstance(data, DataLoader) else data
    if videos is not None and isinstance(held, ClipDataset):
        raise InputError(_KNOWN)
    if isinstance(data, ClipDataset):
        return data
    if isinstance(data, DataLoader):
        if isinstance(data.dataset, ClipDataset):
            return data.dataset.subset(_taken(data))
        refuse_stream(data.dataset)
        collate: Collate | None = data.collate_fn
        taken = _taken(data)
        return TorchDataset(data.dataset, taken, classes=classes, collate=collate, videos=videos)
    if not isinstance(data, Dataset) and not _is_map(data):
        raise InputError(f"a {type(data).__name__} is no data set of clips: {WANTED}")
    refuse_stream(data)
    return TorchDataset(data, classes=classes, videos=videos)


def as_source(data: Any, *, videos: Sequence[str | int] | None = None) -> ClipSource:
    """Take clips to work through, in the order of the data set; see `as_dataset`.

    Args:
        data: a `ClipSource` passes through; else as for `as_dataset`. A `DataLoader` reads with as
            many processes here as it was made for.
        videos: see `as_dataset`.

    Raises:
        InputError: see `as_dataset`.
    """
    if isinstance(data, ClipSource) and not isinstance(data, Dataset):
        if videos is not None:
            raise InputError(_KNOWN)
        return data
    dataset = as_dataset(data, videos=videos)
    # A torch data set always has labels, and asking for all may mean reading all.
    unknown = not isinstance(dataset, TorchDataset) and min(dataset.labels, default=0) < 0
    return DatasetClips(
        dataset,
        indices=range(len(dataset)),
        labels="predicted" if unknown else "true",
        workers=data.num_workers if isinstance(data, DataLoader) else 0,
    )


def refuse_stream(data: Any) -> None:
    """Refuse what can be gone through only once, in one order.

    Raises:
        InputError: saying what to do.
    """
    if isinstance(data, IterableDataset):
        raise InputError(
            f"{type(data).__name__} is a stream, and clips are read by number: give a map-style "
            "Dataset, with __getitem__ and __len__"
        )


def _is_map(data: Any) -> bool:
    plain = isinstance(data, str | bytes | list | tuple | dict | Tensor | np.ndarray | type)
    return not plain and hasattr(data, "__getitem__") and hasattr(data, "__len__")


def _taken(loader: "DataLoader[Any]") -> list[int]:
    """Items that a loader takes in an epoch, each once, ascending."""
    sampler: Iterable[Any] = (
        loader.sampler if loader.batch_sampler is None else loader.batch_sampler
    )
    if loader.batch_sampler is None:
        raise InputError("the DataLoader makes no batches (batch_size=None): give its data set")
    if type(sampler) is BatchSampler:
        sampler = sampler.sampler
    count = len(cast(Sized, loader.dataset))
    whole = type(sampler) is SequentialSampler or (
        type(sampler) is RandomSampler and not sampler.replacement and len(sampler) >= count
    )
    if whole:
        return list(range(count))
    if type(sampler) is SubsetRandomSampler:
        return sorted({int(index) for index in sampler.indices})
    # A draw of its own; nothing of the caller's random state changes.
    generator = getattr(sampler, "generator", None)
    own = generator if isinstance(generator, torch.Generator) else torch.Generator()
    state = own.get_state()
    with seeded(0, None):
        drawn = list(sampler)
    own.set_state(state)
    flat = [i for one in drawn for i in (one if isinstance(one, list | tuple) else [one])]
    if not all(isinstance(index, int) and 0 <= index < count for index in flat):
        raise InputError("the sampler of the DataLoader must give numbers of items")
    return sorted(set(flat))
