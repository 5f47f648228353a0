"""Where in a frame an attack may act."""

import math

import torch
from torch import Tensor

from advvid.errors import InputError
from advvid.random_streams import uniform

# A stream of its own, so that the place of a patch does not depend on the random starts.
_CORNER_STREAM = 1 << 20


def rectangle_size(height: int, width: int, ratio: float) -> tuple[int, int]:
    """Give the sides of a patch with this share of a frame: int(H sqrt(r)), int(W sqrt(r)).

    Args:
        height: of the frame, in pixels.
        width: of the frame, in pixels.
        ratio: share of the area, in (0, 1]; the sides are rounded down, so less is covered.

    Raises:
        InputError: when the ratio is out of range, or so small that a side rounds to 0.

    Source: Kinfu and Vidal 2022, sec. 2.
    """
    if not 0 < ratio <= 1:
        raise InputError(f"ratio must be above 0 and at most 1; got {ratio:g}")
    side = math.sqrt(ratio)
    # Guards against sqrt(r)^2 rounding below the whole number that is meant.
    rows, columns = int(height * side + 1e-9), int(width * side + 1e-9)
    if rows == 0 or columns == 0:
        raise InputError(
            f"a patch with ratio {ratio:g} of a {height} x {width} frame rounds to "
            f"{rows} x {columns} pixels: take a larger ratio"
        )
    return rows, columns


def rectangle_mask(
    height: int, width: int, size: tuple[int, int], top: Tensor, left: Tensor
) -> Tensor:
    """Mark one rectangle a clip, the same in every frame.

    Args:
        height: of the frame.
        width: of the frame.
        size: rows and columns of the rectangle.
        top: first row, int (B,).
        left: first column, int (B,).

    Returns:
        bool (B, 1, 1, H, W).
    """
    y = torch.arange(height, device=top.device)
    x = torch.arange(width, device=top.device)
    rows = (y >= top[:, None]) & (y < top[:, None] + size[0])
    columns = (x >= left[:, None]) & (x < left[:, None] + size[1])
    return (rows[:, :, None] & columns[:, None, :])[:, None, None]


def random_corner(
    height: int, width: int, size: tuple[int, int], seeds: Tensor
) -> tuple[Tensor, Tensor]:
    """Draw the top-left corner of a rectangle that fits, uniformly, one a clip.

    Args:
        height: of the frame.
        width: of the frame.
        size: rows and columns of the rectangle.
        seeds: int64 (B,), the random streams of the clips.

    Returns:
        First rows and first columns, int64 (B,) each.
    """
    draws = uniform(seeds, (2,), stream=_CORNER_STREAM)
    places = torch.tensor([height - size[0] + 1, width - size[1] + 1], device=seeds.device)
    corner = (draws * places).to(torch.int64)
    return corner[:, 0], corner[:, 1]
