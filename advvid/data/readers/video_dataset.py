"""Clips from video files."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from advvid.augmentation import read_chain, view
from advvid.data.clip_dataset import ClipDataset, check_clip_size
from advvid.data.clip_origin import ClipOrigin
from advvid.data.decoder import DECODERS, Decoder
from advvid.data.options import DatasetOptions
from advvid.data.readers.video_files import readable_name
from advvid.data.sampling import Rng, Sampler, read_sampler
from advvid.data.video.bad_video import BadVideoError
from advvid.errors import InputError
from advvid.escaping import visible

DEFAULT_FRAMES, DEFAULT_SIZE = 16, 112
UNKNOWN_LABEL, UNKNOWN_CLASSES = -1, ("unknown",)


class VideoItem(NamedTuple):
    """A video of a data set."""

    path: str
    label: int
    identity: str
    """Name that stays the same wherever the data set lies."""
    source: str | None = None
    """Recording that several videos are cut from, if that is known."""


class VideoDataset(ClipDataset):
    """K clips from each of a list of videos, decoded when asked for.

    A clip goes through three slots: `sampler` chooses its frames, `decoder` reads them, resized to
    the short side, and in the training view `augment` changes them, by default a random crop and a
    mirror. What is larger than the size in the end, as in the evaluation view, is cropped from its
    center. The clips of a video are neighbors.

    Args:
        name: the spec.
        items: the videos in order.
        classes: class names in label order.
        options: sizes, slots and seed; frames default to 16, size to 112, the short side to 8/7 of
            the size (128 for 112).
        decoder: reads what the items are, unless the options name another.
        distinct: of the clips of a video take those only that show other frames than the ones
            before them; counts the frames of every video now. Without it, clips of a short video
            can be equal, which `origin` tells.

    Raises:
        InputError: the short side is below the size.
    """

    def __init__(
        self,
        name: str,
        items: Sequence[VideoItem],
        classes: Sequence[str],
        options: DatasetOptions,
        *,
        decoder: str | Decoder = "pyav",
        distinct: bool = False,
    ) -> None:
        super().__init__()
        frames = options.frames or DEFAULT_FRAMES
        size = options.size or DEFAULT_SIZE
        self.name, self.classes = visible(name), tuple(map(readable_name, classes))
        twice = [one for one, count in Counter(self.classes).items() if count > 1]
        if twice:
            raise InputError(f"{self.name} has two classes of the name {twice[0]}: rename one")
        self.clip_shape = (3, frames, size, size)
        check_clip_size(frames, size)
        self.on_bad_video = options.on_bad_video
        self.items = [item._replace(identity=readable_name(item.identity)) for item in items]
        self.options = options
        self.short_side = options.short_side or math.ceil(size * 8 / 7)
        if self.short_side < size:
            raise InputError(
                f"a short side of {self.short_side} is below the crop of {size}: "
                f"make short_side at least {size} or size smaller"
            )
        self.sampler = read_sampler(options.sampling, options.stride)
        self.decoder = DECODERS.read(decoder if options.decoder is None else options.decoder)
        chain = ("crop", "flip") if options.flip else ("crop",)
        self.augment = read_chain(chain if options.augment is None else options.augment, size=size)
        count = options.clips_per_video
        # Clip i is number _numbers[i] of the clips of video _videos[i].
        self._videos = np.arange(len(self.items)).repeat(count)
        self._numbers = np.tile(np.arange(count), len(self.items))
        if distinct and count > 1:
            kept = np.concatenate([self._distinct(item) for item in self.items])
            self._videos, self._numbers = self._videos[kept], self._numbers[kept]
        video_labels = np.array([item.label for item in self.items], dtype=np.int64)
        self._labels = video_labels[self._videos]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Label of every clip, (N,); -1 where unknown."""
        return self._labels

    def clip(self, index: int, draw: int | None = None) -> tuple[Tensor, int]:
        """Clip uint8 (3, T, H, W) and label."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has clips 0 to {len(self) - 1}: {index}")
        item, number = self._of(index)
        rng = None if draw is None else np.random.default_rng((self.options.seed, index, draw))
        frames = self._frames(item, number, rng)
        clip = self._read(item.path, frames)
        return view(clip, self.augment, rng, self.clip_shape), item.label

    def identity(self, index: int) -> str:
        """Path within the data set and number of the clip."""
        item, number = self._of(index)
        return f"{item.identity}#{number}"

    def origin(self, index: int) -> ClipOrigin:
        """Video of a clip, and its frames in the evaluation view; counts the frames of the video.

        Raises:
            BadVideoError: they cannot be counted.
        """
        item, number = self._of(index)
        frames = tuple(self._frames(item, number, None))
        return ClipOrigin(item.identity, frames, item.path, item.source)

    def resampled(
        self, sampling: str | Sampler, clips: int, stride: int | None = None
    ) -> "VideoDataset":
        """The same videos, seen with another way of sampling."""
        options = replace(self.options, sampling=sampling, clips_per_video=clips, stride=stride)
        return VideoDataset(self.name, self.items, self.classes, options, decoder=self.decoder)

    def video_number(self, index: int) -> int:
        """Number of the video that a clip is taken from."""
        return int(self._videos[index])

    def _of(self, index: int) -> tuple[VideoItem, int]:
        """Video of a clip, and number of the clip in it."""
        return self.items[self._videos[index]], int(self._numbers[index])

    def _distinct(self, item: VideoItem) -> npt.NDArray[np.bool_]:
        """Which clips of a video are equal to none before them, (K,)."""
        numbers = range(self.options.clips_per_video)
        try:
            frames = [tuple(self._frames(item, number, None)) for number in numbers]
        except BadVideoError:
            return np.ones(len(numbers), dtype=bool)  # told when it is read
        first: dict[tuple[int, ...], int] = {}
        return np.array([first.setdefault(one, place) == place for place, one in enumerate(frames)])

    def _read(self, path: str, frames: list[int]) -> Tensor:
        """Read frames; those of a damaged video only where that is wanted."""
        try:
            return self.decoder.read(path, frames, short_side=self.short_side)
        except BadVideoError as error:
            if self.on_bad_video != "conceal":
                raise
            clip = self.decoder.conceal(path, frames, short_side=self.short_side)
            if clip is None:
                raise
            bad = error.bad_video.concealed
            if bad not in self.skipped:
                self.skipped.append(bad)
            return clip

    def _frames(self, item: VideoItem, number: int, rng: Rng) -> list[int]:
        """Frames of the clip with some number of a video."""
        frames: list[int] = self.sampler(
            self.decoder.count(item.path),
            self.clip_shape[1],
            clip=number,
            clips=self.options.clips_per_video,
            rng=rng,
        ).tolist()
        return frames


def refuse_fold_of_all(options: DatasetOptions) -> None:
    """Refuse a fold that means nothing, since nothing is held out.

    Raises:
        InputError: when both are given.
    """
    if options.split == "all" and options.fold is not None:
        raise InputError(
            f"split all takes every fold: leave out fold {options.fold}, or choose train or test"
        )
