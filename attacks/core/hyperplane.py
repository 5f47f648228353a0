"""The nearest point of a hyperplane inside a box, in the norms Linf, L2 and L1."""

import torch
from torch import Tensor

# A few steps pass nearly all pieces of the sum; the device is waited for after so many.
_STEPS_A_LOOK = 4


def step_to_hyperplane(
    clips: Tensor,
    normal: Tensor,
    offset: Tensor,
    lower: Tensor,
    upper: Tensor,
    *,
    norm: str = "Linf",
) -> Tensor:
    """Give the smallest step, in a norm, that reaches a hyperplane inside a box.

    Pixels move against the side that the clip is on, none beyond its bound: the sum of |w_i| times
    their way has to bridge |<w, x> + b|. In Linf they move by r alike, in L2 by r |w_i|, or to
    their bounds where those are nearer; in L1 one after the other to its bound, those with the
    largest |w_i| first. Where no point of the box is on the hyperplane, all go to their bounds.

    Args:
        clips: x (B, ...), inside the box.
        normal: w, of the same shape.
        offset: <w, x> + b, (B,): how far, and on which side, each clip is.
        lower: bounds of the pixels, of the same shape.
        upper: bounds of the pixels, of the same shape.
        norm: "Linf", "L2" or "L1".

    Returns:
        The step d, of the shape of the clips.

    Source: Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive
    boundary attack", Eq. 4; for Linf and L2 they sort the rooms instead.
    """
    side = -torch.sign(offset).view(-1, *(1,) * (clips.ndim - 1)) * normal.sign()
    room = torch.where(side > 0, upper - clips, clips - lower).flatten(1)
    weight = normal.flatten(1).abs()
    # In lengths of the largest, so that no square vanishes.
    largest = weight.amax(dim=1, keepdim=True).clamp_min(torch.finfo(weight.dtype).tiny)
    weight = weight / largest
    wanted = offset.abs().double()[:, None] / largest
    if norm == "L1":
        moved = _one_by_one(weight, room, wanted)
    else:
        moved = _together(weight, weight if norm == "L2" else torch.ones_like(weight), room, wanted)
    return side * moved.view(clips.shape)


def _together(weight: Tensor, pace: Tensor, room: Tensor, wanted: Tensor) -> Tensor:
    """Solve sum_i w_i min(room_i, r pace_i) = wanted for r, (B, 1), and give min(room, r pace).

    The sum is concave and piecewise linear in r: Newton's method from 0 climbs to the solution,
    never beyond, and is there after finitely many steps.
    """
    r, rising = torch.zeros_like(room[:, :1]), True
    while rising:
        for _ in range(_STEPS_A_LOOK):
            before = r
            way = r * pace
            slope = _total(weight * pace * (room > way))
            gap = (wanted - _total(weight * torch.minimum(room, way))).clamp_min(0)
            r = (r + torch.where(slope > 0, gap / slope, 0)).to(room)
        # Rounded to the precision of the clips, it ends, and stays for clips that are there.
        rising = bool((r > before).any())
    return torch.minimum(room, r * pace)


def _one_by_one(weight: Tensor, room: Tensor, wanted: Tensor) -> Tensor:
    """Give the way of each pixel, those of large weight first, until all is bridged."""
    sorted_weight, order = weight.sort(dim=1, descending=True)
    bridged = (sorted_weight * room.gather(1, order)).double()
    missing = (wanted - (bridged.cumsum(dim=1) - bridged)).clamp_min(0)
    way = (missing / sorted_weight.double().clamp_min(1e-300)).clamp(max=1e30).to(room)
    return torch.minimum(room, torch.zeros_like(room).scatter(1, order, way))


def _total(pixels: Tensor) -> Tensor:
    """Sum (B, N) to (B, 1); over all pixels of a clip float32 loses too much."""
    return pixels.sum(dim=1, keepdim=True, dtype=torch.float64)
