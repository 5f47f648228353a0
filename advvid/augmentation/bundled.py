"""The augmentations that come with the toolkit; what they do is the same in all frames."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from advvid.augmentation.augmentation import Augmentation
from advvid.errors import InputError
from advvid.methods import Setting


@dataclass(frozen=True)
class Crop(Augmentation):
    """Cut a square out at a random place."""

    size: Annotated[int, Setting("side of the square", unit="pixels", at_least=1)]

    def __call__(self, clip: Tensor, rng: np.random.Generator) -> Tensor:
        """Give uint8 (3, T, size, size)."""
        room_y, room_x = _room(clip, self.size)
        top, left = int(rng.integers(room_y + 1)), int(rng.integers(room_x + 1))
        return clip[..., top : top + self.size, left : left + self.size]


@dataclass(frozen=True)
class Flip(Augmentation):
    """Mirror a clip now and then; not for classes that tell left from right."""

    probability: Annotated[float, Setting("how often", at_least=0, at_most=1)] = 0.5

    def __call__(self, clip: Tensor, rng: np.random.Generator) -> Tensor:
        """Give the clip or its mirror image."""
        return torch.flip(clip, dims=[-1]) if rng.uniform() < self.probability else clip


@dataclass(frozen=True)
class Roll(Augmentation):
    """Move all frames by the same random step; what leaves on one side returns on the other."""

    def __call__(self, clip: Tensor, rng: np.random.Generator) -> Tensor:
        """Give the moved clip."""
        down, right = rng.integers(clip.shape[-2:]).tolist()
        return torch.roll(clip, (down, right), dims=(-2, -1))


@dataclass(frozen=True)
class PermuteColors(Augmentation):
    """Put the color channels into a random order."""

    def __call__(self, clip: Tensor, rng: np.random.Generator) -> Tensor:
        """Give the clip in other colors."""
        # Faster than indexing with the whole order.
        return torch.stack([clip[channel] for channel in rng.permutation(len(clip)).tolist()])


def center_crop(clip: Tensor, size: int) -> Tensor:
    """Cut the square of a side in pixels out of the center: (..., H, W) -> (..., size, size).

    Raises:
        InputError: the frame is smaller.
    """
    top, left = (room // 2 for room in _room(clip, size))
    return clip[..., top : top + size, left : left + size]


def _room(clip: Tensor, size: int) -> tuple[int, int]:
    """How far a square can move down and to the right, in pixels."""
    height, width = clip.shape[-2:]
    if min(height, width) < size:
        raise InputError(f"cannot crop {size} x {size} pixels out of frames of {height} x {width}")
    return height - size, width - size
