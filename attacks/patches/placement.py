"""Where a patch is, as its settings say."""

from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from advvid.attacks.core.masks import rectangle_mask, rectangle_size
from advvid.attacks.patches.windows import random_windows
from advvid.errors import InputError
from advvid.methods import Setting, spell

Size = Annotated[
    tuple[int, int] | None,
    Setting("rows and columns, instead of the ratio", "pixels", at_least=1),
]
Corner = Annotated[
    str | tuple[int, int] | None,
    Setting(
        "first row and column; or drawn from the seed, or searched for what is worst for the model",
        "pixels",
        at_least=0,
        choices=("random", "search"),
    ),
]


class Placement(NamedTuple):
    """Where a patch is.

    Args:
        ratio: share of the frame, in (0, 1].
        size: rows and columns, instead of the ratio.
        corner: "random" (or None), "search", or first row and column.
        motion: see `Motion`.
        shared: one place for all clips instead of one for each.
    """

    ratio: float = 0.15
    size: tuple[int, int] | None = None
    corner: str | tuple[int, int] | None = "random"
    motion: str = "still"
    shared: bool = False

    def check(self) -> None:
        """Refuse settings that do not go together.

        Raises:
            InputError: naming them.
        """
        if self.shared and self.corner == "search":
            raise InputError(
                "shared draws one corner for all clips, corner=search finds one for each: leave "
                "one of both out"
            )
        if self.motion != "still" and isinstance(self.corner, tuple | list):
            raise InputError(
                f"corner={spell(self.corner)} is where a patch stays, motion={self.motion} moves "
                "it: take corner=random or corner=search"
            )

    def corners(self, clips: Tensor, seeds: Tensor) -> Tensor:
        """Give the corners, int64 (1 or S, 1 or T, 2), drawn unless one is given.

        Args:
            clips: (B, 3, T, H, W).
            seeds: int64 (S,), of each clip, or one for all.

        Raises:
            InputError: when ratio, size or corner do not fit.
        """
        size = self.size_in(clips)
        room = clips.shape[3] - size[0], clips.shape[4] - size[1]
        if self.corner is None or isinstance(self.corner, str):
            return random_windows(room, self.motion, clips.shape[2], seeds)
        if not all(0 <= at <= most for at, most in zip(self.corner, room, strict=True)):
            raise InputError(
                f"a patch of {size[0]} x {size[1]} at {self.corner} leaves the {clips.shape[3]} x "
                f"{clips.shape[4]} frame"
            )
        return torch.tensor([[self.corner]], device=clips.device)

    def mask(self, clips: Tensor, corners: Tensor) -> Tensor:
        """Mark the patch, bool (B, 1, 1 or T, H, W), at corners (B, 1 or T, 2)."""
        height, width = clips.shape[-2:]
        return rectangle_mask(height, width, self.size_in(clips), corners[..., 0], corners[..., 1])

    def size_in(self, clips: Tensor) -> tuple[int, int]:
        """Give rows and columns of the patch in clips (B, 3, T, H, W).

        Raises:
            InputError: when the ratio is out of range, or the size does not fit.
        """
        height, width = clips.shape[-2:]
        if self.size is None:
            return rectangle_size(height, width, self.ratio)
        rows, columns = self.size
        if not (1 <= rows <= height and 1 <= columns <= width):
            raise InputError(
                f"a patch of {rows} x {columns} does not fit into a {height} x {width} frame"
            )
        return rows, columns
