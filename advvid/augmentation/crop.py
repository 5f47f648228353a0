"""A square from somewhere in the frame, the same in all frames."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
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
        room_y, room_x = room(clip, self.size)
        top, left = int(rng.integers(room_y + 1)), int(rng.integers(room_x + 1))
        return crop(clip, self.size, top, left)


def center_crop(clip: Tensor, size: int) -> Tensor:
    """Cut the square of a side in pixels out of the center: (..., H, W) -> (..., size, size).

    Raises:
        InputError: the frame is smaller.
    """
    room_y, room_x = room(clip, size)
    return crop(clip, size, room_y // 2, room_x // 2)


def crop(clip: Tensor, size: int, top: int, left: int) -> Tensor:
    """Cut the square out whose upper left pixel is given, (..., size, size); a view."""
    return clip[..., top : top + size, left : left + size]


def room(clip: Tensor, size: int) -> tuple[int, int]:
    """How far a square can move down and to the right, in pixels.

    Raises:
        InputError: the frame is smaller than the square.
    """
    height, width = clip.shape[-2:]
    if min(height, width) < size:
        raise InputError(f"cannot crop {size} x {size} pixels out of frames of {height} x {width}")
    return height - size, width - size
