"""Clips from video files."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.data.clip_dataset import ClipDataset
from advvid.data.options import DatasetOptions, Sampling
from advvid.data.sampling import Indices, dense_indices, uniform_indices
from advvid.data.video.decoding import read_frames
from advvid.data.video.index import video_info
from advvid.errors import InputError

DEFAULT_FRAMES, DEFAULT_SIZE = 16, 112
UNKNOWN_LABEL = -1


class VideoItem(NamedTuple):
    """A video of a data set."""

    path: str
    label: int
    identity: str
    """Name that stays the same wherever the data set lies."""


class VideoDataset(ClipDataset):
    """K clips from each of a list of videos, decoded when asked for.

    Each clip is resized to the short side and cropped to a square: from the center in the
    evaluation view; anywhere, and mirrored half of the time (`flip`), in the training view, whose
    frames are drawn at random too (`advvid.data.sampling`). The clips of a video are neighbors.

    Args:
        name: the spec.
        items: the videos in order.
        classes: class names in label order.
        options: sampling, sizes and seed; frames default to 16, size to 112, the short side to
            8/7 of the size (128 for 112).

    Raises:
        InputError: the short side is below the size.

    """

    def __init__(
        self,
        name: str,
        items: Sequence[VideoItem],
        classes: Sequence[str],
        options: DatasetOptions,
    ) -> None:
        super().__init__()
        frames = DEFAULT_FRAMES if options.frames is None else options.frames
        size = DEFAULT_SIZE if options.size is None else options.size
        self.name, self.classes = name, tuple(classes)
        self.clip_shape = (3, frames, size, size)
        self.on_bad_video = options.on_bad_video
        self.items = list(items)
        self.options = options
        self.short_side = options.short_side or math.ceil(size * 8 / 7)
        if self.short_side < size:
            raise InputError(
                f"a short side of {self.short_side} is below the crop of {size}: "
                f"make short_side at least {size} or size smaller"
            )
        video_labels = np.array([item.label for item in self.items], dtype=np.int64)
        self._labels = video_labels.repeat(options.clips_per_video)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Label of every clip, (N,); -1 where unknown."""
        return self._labels

    def clip(self, index: int, draw: int | None = None) -> tuple[Tensor, int]:
        """Clip uint8 (3, T, H, W) and label."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has clips 0 to {len(self) - 1}: {index}")
        video, part = divmod(index, self.options.clips_per_video)
        item = self.items[video]
        rng = None if draw is None else np.random.default_rng((self.options.seed, index, draw))
        indices = self._frame_indices(video_info(item.path).frames, part, rng)
        images = read_frames(item.path, indices.tolist(), short_side=self.short_side)
        return self._crop(images, rng), item.label

    def identity(self, index: int) -> str:
        """Path within the data set and number of the clip."""
        video, part = divmod(index, self.options.clips_per_video)
        return f"{self.items[video].identity}#{part}"

    def resampled(self, sampling: str, clips: int, stride: int | None = None) -> "VideoDataset":
        """The same videos, seen with another way of sampling."""
        options = replace(
            self.options,
            sampling=cast(Sampling, sampling),
            clips_per_video=clips,
            stride=stride,
        )
        return VideoDataset(self.name, self.items, self.classes, options)

    def video(self, index: int) -> int:
        """Number of the video that a clip is taken from."""
        return index // self.options.clips_per_video

    def _frame_indices(self, count: int, part: int, rng: np.random.Generator | None) -> Indices:
        frames, clips = self.clip_shape[1], self.options.clips_per_video
        if self.options.sampling == "uniform":
            return uniform_indices(count, frames, clip=part, clips=clips, rng=rng)
        stride = self.options.stride or 1
        return dense_indices(count, frames, stride=stride, clip=part, clips=clips, rng=rng)

    def _crop(self, images: Tensor, rng: np.random.Generator | None) -> Tensor:
        size = self.clip_shape[2]
        room_y, room_x = images.shape[2] - size, images.shape[3] - size
        top, left, mirror = room_y // 2, room_x // 2, False
        if rng is not None:
            top, left = int(rng.integers(room_y + 1)), int(rng.integers(room_x + 1))
            mirror = self.options.flip and rng.uniform() < 0.5
        clip = images[:, :, top : top + size, left : left + size]
        return torch.flip(clip, dims=[3]) if mirror else clip.contiguous()
