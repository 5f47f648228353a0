"""Where in a frame an attack may act."""

import math

import torch
from torch import Tensor

from advvid.attacks.core.settings import Ratio
from advvid.checks import check_count
from advvid.errors import InputError
from advvid.methods import check_setting


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
    check_setting("ratio", ratio, Ratio)
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
    """Mark one rectangle a clip, or one for each of its frames.

    Args:
        height: of the frame.
        width: of the frame.
        size: rows and columns of the rectangle.
        top: first rows, int (B, 1 or T).
        left: first columns, int (B, 1 or T).

    Returns:
        bool (B, 1, 1 or T, H, W).
    """
    y = torch.arange(height, device=top.device)
    x = torch.arange(width, device=top.device)
    rows = (y >= top[..., None]) & (y < top[..., None] + size[0])
    columns = (x >= left[..., None]) & (x < left[..., None] + size[1])
    return (rows[..., None] & columns[..., None, :])[:, None]


def border_thickness(height: int, width: int, ratio: float) -> int:
    """Give the thickness of a border with this share of a frame, in pixels.

    It is the smaller root b of 4 b^2 - 2 (H + W) b + r H W = 0, rounded down.

    Args:
        height: of the frame, in pixels.
        width: of the frame, in pixels.
        ratio: share of the area, in (0, 1]; less is covered, because the root is rounded down.

    Raises:
        InputError: when the ratio is out of range, or so small that the border rounds to 0.

    Source: Kinfu and Vidal 2022, sec. 2.
    """
    check_setting("ratio", ratio, Ratio)
    around = height + width
    root = (around - math.sqrt(around**2 - 4 * ratio * height * width)) / 4
    # Guards against a root that falls short of the whole number that is meant. With an odd side
    # the whole frame needs half a pixel more than the root.
    thickness = int(root + 1e-9) if ratio < 1 else (min(height, width) + 1) // 2
    if thickness == 0:
        raise InputError(
            f"a border with ratio {ratio:g} of a {height} x {width} frame rounds to 0 pixels: take "
            "a larger ratio"
        )
    return thickness


def border_mask(
    height: int, width: int, thickness: int, *, device: torch.device | None = None
) -> Tensor:
    """Mark a border, the same in every frame.

    Args:
        height: of the frame.
        width: of the frame.
        thickness: pixels from each side, at least 1; half a side covers the whole frame.
        device: where the mask is wanted.

    Returns:
        bool (1, 1, 1, H, W).

    Raises:
        InputError: when the thickness is not at least 1.
    """
    check_count("thickness", thickness)
    y = torch.arange(height, device=device)
    x = torch.arange(width, device=device)
    rows = (y < thickness) | (y >= height - thickness)
    columns = (x < thickness) | (x >= width - thickness)
    return (rows[:, None] | columns[None, :])[None, None, None]
