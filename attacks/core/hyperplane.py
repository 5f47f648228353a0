"""The nearest point of a hyperplane inside a box, in the L-infinity norm."""

import torch
from torch import Tensor

# A few steps pass nearly all pieces of the sum; the device is waited for after so many.
_STEPS_A_LOOK = 4


def step_to_hyperplane(
    clips: Tensor, normal: Tensor, offset: Tensor, lower: Tensor, upper: Tensor
) -> Tensor:
    """Give the smallest step, in the L-infinity norm, that reaches a hyperplane inside a box.

    Every pixel moves by r against the side that the clip is on, or to its bound where that is
    nearer: the sum of |w_i| min(r, room_i) has to bridge |<w, x> + b|. It is concave and piecewise
    linear in r, so Newton's method from 0 climbs to r, never beyond, and is there after finitely
    many steps. Where no point of the box is on the hyperplane, all pixels go to their bounds.

    Args:
        clips: x (B, ...), inside the box.
        normal: w, of the same shape.
        offset: <w, x> + b, (B,): how far, and on which side, each clip is.
        lower: bounds of the pixels, of the same shape.
        upper: bounds of the pixels, of the same shape.

    Returns:
        The step d, of the shape of the clips.

    Source: Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive
    boundary attack", Eq. 4, for p = inf; they sort the rooms instead.
    """
    side = -torch.sign(offset).view(-1, *(1,) * (clips.ndim - 1)) * normal.sign()
    room = torch.where(side > 0, upper - clips, clips - lower).flatten(1)
    weight = normal.flatten(1).abs()
    wanted = offset.abs().double()[:, None]
    r, rising = torch.zeros_like(room[:, :1]), True
    while rising:
        for _ in range(_STEPS_A_LOOK):
            before = r
            slope = _total(weight * (room > r))
            bridged = _total(weight * torch.minimum(room, r))
            gap = (wanted - bridged).clamp_min(0)
            r = (r + torch.where(slope > 0, gap / slope, 0)).to(room)
        # Rounded to the precision of the clips, it ends, and stays for clips that are there.
        rising = bool((r > before).any())
    return side * torch.minimum(room, r).view(clips.shape)


def _total(pixels: Tensor) -> Tensor:
    """Sum (B, N) to (B, 1); over all pixels of a clip float32 loses too much."""
    return pixels.sum(dim=1, keepdim=True, dtype=torch.float64)
