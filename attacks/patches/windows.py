"""Windows of a patch: which there are, drawn from a seed or chosen by the gradient."""

from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from advvid.methods import Setting
from advvid.random_streams import uniform

Motion = Annotated[
    str,
    Setting(
        "still, along a line from one place to another, or a place of its own in each frame",
        choices=("still", "linear", "per-frame"),
    ),
]
# Corners of a grid have this many rows and columns, the edges of the frame included.
_GRID = 3
_LINES = 10


def random_windows(room: tuple[int, int], motion: str, frames: int, seeds: Tensor) -> Tensor:
    """Draw top-left corners uniformly: one, the two ends of a line, or one for each frame.

    Args:
        room: largest row and column that a corner may have.
        motion: see `Motion`.
        frames: of a clip.
        seeds: int64 (B,), the random streams of the clips.

    Returns:
        int64 (B, 1 or T, 2), row and column.
    """
    drawn = {"still": 1, "linear": 2, "per-frame": frames}[motion]
    places = torch.tensor(room, device=seeds.device) + 1
    corners = (uniform(seeds, (drawn, 2), stream="patch corner") * places).to(torch.int64)
    return line(corners[:, 0], corners[:, 1], frames) if motion == "linear" else corners


def line(start: Tensor, end: Tensor, frames: int) -> Tensor:
    """Move from one corner to another, each frame as far, rounded to whole pixels.

    Args:
        start: int64 (B, 2).
        end: int64 (B, 2).
        frames: T; a single one stays at the start.

    Returns:
        int64 (B, T, 2).
    """
    steps = max(1, frames - 1)
    moved = torch.arange(frames, device=start.device)[:, None] * (end - start)[:, None]
    return start[:, None] + torch.div(2 * moved + steps, 2 * steps, rounding_mode="floor")


def salient_windows(gradient: Tensor, size: tuple[int, int], motion: str) -> Tensor:
    """List the windows that are worth a try, the one with the largest sum of |gradient| first.

    - still: that window, then a 3 x 3 grid that includes the edges.
    - linear: of the lines from one corner of that grid to another, the ten with the largest sums.
    - per-frame: in each frame the window with the largest sum, then all that are still.

    Args:
        gradient: of the loss by the pixels, (B, C, T, H, W); what an attack may not touch is 0.
        size: rows and columns of a window.
        motion: see `Motion`.

    Returns:
        Corners, int64 (B, K, 1 or T, 2), row and column.
    """
    count, _, frames, height, width = gradient.shape
    room = height - size[0], width - size[1]
    sizes = gradient.abs().nan_to_num_(nan=0.0).sum(dim=1)
    # Rows, then columns: a pixel costs as much as the sides of a window are long, not its area.
    sums = avg_pool2d(avg_pool2d(sizes, (size[0], 1), stride=1), (1, size[1]), stride=1)
    ends = _grid(room, gradient.device)
    if motion == "linear":
        if len(ends) > 1:
            pairs = torch.cartesian_prod(*[torch.arange(len(ends), device=gradient.device)] * 2)
            first, last = pairs[pairs[:, 0] != pairs[:, 1]].T
        else:
            first = last = torch.zeros(1, dtype=torch.int64, device=gradient.device)
        lines = line(ends[first], ends[last], frames)
        places = (lines[..., 0] * (room[1] + 1) + lines[..., 1]).T
        passed = sums.flatten(2).gather(2, places.expand(count, -1, -1)).sum(dim=1)
        return lines[passed.argsort(dim=1, descending=True, stable=True)[:, :_LINES]]
    still = _largest(sums.sum(dim=1, keepdim=True))[:, None]
    if len(ends) > 1:
        still = torch.cat([still, ends[None, :, None].expand(count, -1, -1, -1)], dim=1)
    if motion == "still":
        return still
    moving = _largest(sums)[:, None]
    return torch.cat([moving, still.expand(-1, -1, frames, -1)], dim=1)


def _grid(room: tuple[int, int], device: torch.device) -> Tensor:
    """Give the corners of the grid, int64 (n, 2), each once."""
    axes = [
        torch.tensor(sorted({most * i // (_GRID - 1) for i in range(_GRID)}), device=device)
        for most in room
    ]
    return torch.cartesian_prod(*axes)


def _largest(sums: Tensor) -> Tensor:
    """Give the corner of the largest sum in each map (B, T, Y, X), int64 (B, T, 2)."""
    place = sums.flatten(2).argmax(dim=2)
    columns = sums.shape[-1]
    return torch.stack([place // columns, place % columns], dim=2)
