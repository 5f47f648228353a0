"""From a data set to batches on the device."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from typing_extensions import TypeVar

from advvid.checks import check_count, check_workers
from advvid.data.clip_dataset import ClipDataset, ClipKey
from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.errors import InputError
from advvid.methods.arguments import checked

Labels = TypeVar("Labels", Tensor, Tensor | None, default=Tensor)


class ClipBatch(NamedTuple, Generic[Labels]):
    """A batch of clips; B may be smaller than the batch size, even 0, where videos were skipped.

    `ClipBatch` alone has labels; those of `ClipBatch[Tensor | None]` may be unknown.
    """

    clips: Tensor
    """(B, 3, T, H, W), uint8, or float32 in [0, 1] where a `ClipSource` gives them."""
    labels: Labels
    """int64 (B,), or soft (B, K): probabilities of the classes."""
    indices: Tensor
    """int64 (B,): positions in the data set or source; they decide the random streams."""
    skipped: list[BadVideo]
    """Videos of this batch that could not be read, in order, or were used with damage concealed,
    where that is new."""


class LoadedClip(NamedTuple):
    """A clip before it becomes part of a batch."""

    clip: Tensor
    """(3, T, H, W)."""
    label: int
    key: ClipKey
    """The index of the clip, or (index, draw)."""
    concealed: tuple[BadVideo, ...] = ()
    """Videos with damage that the clip was taken of all the same."""


Loaded = LoadedClip | BadVideo
Collate = Callable[[Sequence[Loaded]], ClipBatch]
"""Makes a batch of clips and of what is known of those that could not be read. Runs in the process
that loads; here is the place to mix clips and to make labels soft (B, K)."""


class ClipLoader(DataLoader[Any]):
    """A DataLoader of ClipBatch; made by `clip_loader`."""

    on_bad_video: str

    def __iter__(self) -> Iterator[ClipBatch]:  # type: ignore[override]
        # A worker's exception arrives as a many-line traceback, so workers hand over what failed
        # as data and the error is raised here.
        for batch in super().__iter__():
            if isinstance(batch, _Refused):
                raise InputError(batch.message)
            if batch.skipped and self.on_bad_video == "raise":
                raise BadVideoError(batch.skipped[0])
            yield batch


@checked
def clip_loader(
    dataset: ClipDataset,
    *,
    batch_size: int,
    keys: Iterable[ClipKey] | Sampler[ClipKey] | None = None,
    workers: int = 0,
    pin_memory: bool = False,
    collate: Collate | None = None,
) -> ClipLoader:
    """Load batches of clips, in worker processes if asked, without touching global random state.

    Args:
        dataset: where clips come from; its `on_bad_video` says what a bad video does.
        batch_size: clips in a batch, at least 1; the last batch may be smaller.
        keys: what to load in which order: indices (evaluation view) or (index, draw) pairs
            (training view); None for all indices in order.
        workers: processes that decode; 0 decodes in this one.
        pin_memory: whether batches come in page-locked memory, for copies to CUDA.
        collate: makes a batch of single clips; None stacks them (`StackClips`).

    Raises:
        InputError: an argument is out of range; while iterating, a video cannot be read.
    """
    check_count("batch_size", batch_size)
    check_workers(workers)
    loader = ClipLoader(
        _LoadedClips(dataset),
        batch_size=batch_size,
        sampler=range(len(dataset)) if keys is None else keys,
        num_workers=workers,
        pin_memory=pin_memory and dataset.pinnable,
        collate_fn=_Collated(collate or StackClips(dataset.clip_shape)),
        # Without its own generator a DataLoader draws from the global one.
        generator=torch.Generator().manual_seed(0),
    )
    loader.on_bad_video = dataset.on_bad_video
    return loader


class StackClips:
    """Stack clips and labels as they are; leave out what could not be read, and list it.

    Args:
        clip_shape: (3, T, H, W), for a batch in which nothing could be read.
    """

    def __init__(self, clip_shape: tuple[int, int, int, int]) -> None:
        self.clip_shape = clip_shape

    def __call__(self, loaded: Sequence[Loaded]) -> ClipBatch:
        """Give the batch."""
        good = [one for one in loaded if isinstance(one, LoadedClip)]
        indices = [one.key[0] if isinstance(one.key, tuple) else int(one.key) for one in good]
        return ClipBatch(
            clips=torch.stack([one.clip for one in good])
            if good
            else torch.empty((0, *self.clip_shape), dtype=torch.uint8),
            labels=torch.tensor([one.label for one in good], dtype=torch.int64),
            indices=torch.tensor(indices, dtype=torch.int64),
            skipped=[one for one in loaded if isinstance(one, BadVideo)],
        )


class _Refused(NamedTuple):
    """What an InputError said that does not mean a bad video."""

    message: str


class _Collated:
    """Make a batch, unless a clip was refused."""

    def __init__(self, collate: Collate) -> None:
        self.collate = collate

    def __call__(self, loaded: Sequence[Loaded | _Refused]) -> ClipBatch | _Refused:
        refused = next((one for one in loaded if isinstance(one, _Refused)), None)
        if refused is not None:
            return refused
        batch = self.collate([one for one in loaded if not isinstance(one, _Refused)])
        used = [bad for one in loaded if isinstance(one, LoadedClip) for bad in one.concealed]
        return batch._replace(skipped=[*batch.skipped, *used]) if used else batch


class _LoadedClips(Dataset[Loaded | _Refused]):
    """Clips, or what is wrong with them, as plain data."""

    def __init__(self, dataset: ClipDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: ClipKey) -> Loaded | _Refused:
        before = len(self.dataset.skipped)
        try:
            clip, label = self.dataset[key]
            return LoadedClip(clip, label, key, tuple(self.dataset.skipped[before:]))
        except BadVideoError as error:
            return error.bad_video
        except InputError as error:
            return _Refused(str(error))
