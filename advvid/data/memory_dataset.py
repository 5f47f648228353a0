"""Clips that are in memory already, as a data set."""

from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.data.clip_dataset import ClipDataset
from advvid.data.clip_origin import ClipOrigin, first_equals


class MemoryDataset(ClipDataset):
    """Clips held in memory; training and evaluation see the same.

    Args:
        clips: float (N, 3, T, H, W) in [0, 1], or uint8.
        labels: int64 (N,).
        classes: names in label order.
        name: in messages and configs.
    """

    def __init__(
        self, clips: Tensor, labels: Tensor, classes: tuple[str, ...], *, name: str = "memory"
    ) -> None:
        super().__init__()
        self.clips, self._labels = clips, labels.cpu().numpy().astype(np.int64)
        self.classes, self.name = classes, name
        channels, frames, height, width = clips.shape[1:]
        self.clip_shape = (channels, frames, height, width)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Label of every clip, (N,)."""
        return self._labels

    def clip(self, index: int, draw: int | None = None) -> tuple[Tensor, int]:
        """Clip (3, T, H, W), as it was handed in, and label."""
        del draw
        if not 0 <= index < len(self.clips):
            raise IndexError(f"{self.name} has clips 0 to {len(self.clips) - 1}: {index}")
        return self.clips[index], int(self._labels[index])

    @property
    def pinnable(self) -> bool:
        """Whether the clips are in the memory of the host."""
        return self.clips.device.type == "cpu"

    def origin(self, index: int) -> ClipOrigin:
        """Tell where a clip comes from: one that equals an earlier clip comes from the same."""
        return ClipOrigin(f"{self.name}#{self._firsts[index]}")

    @cached_property
    def _firsts(self) -> list[int]:
        return first_equals(self.clips)

    def identity(self, index: int) -> str:
        """Name of a clip: its place, and a sum that tells other pixels apart."""
        clip = self.clips[index].to(torch.float64)
        return f"{self.name}#{index}:{float(clip.sum()):.9g}"
