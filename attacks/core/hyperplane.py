"""The nearest point of a hyperplane inside a box, in the L-infinity norm."""

import torch
from torch import Tensor

# Newton's method ends after finitely many steps, one for each piece of the sum that it passes; the
# first few pass nearly all of them.
_NEWTON_STEPS = 12


def step_to_hyperplane(
    clips: Tensor, normal: Tensor, offset: Tensor, lower: Tensor, upper: Tensor
) -> Tensor:
    """Give the smallest step, in the L-infinity norm, that reaches a hyperplane inside a box.

    Every pixel moves by r against the side that the clip is on, or to its bound where that is
    nearer: the sum of |w_i| min(r, room_i) has to bridge |<w, x> + b|. It is concave and piecewise
    linear in r, so Newton's method from 0 climbs to r and never beyond. Where no point of the box
    is on the hyperplane, all pixels go to their bounds.

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
    wanted = offset.abs().double()
    r = torch.zeros_like(wanted)
    for _ in range(_NEWTON_STEPS):
        reach = r.to(room)[:, None]
        # Sums over all pixels of a clip lose too much in float32.
        bridged = (weight * torch.minimum(room, reach)).sum(dim=1, dtype=torch.float64)
        slope = (weight * (room > reach)).sum(dim=1, dtype=torch.float64)
        r = r + (wanted - bridged).clamp_min(0) / slope.clamp_min(1e-300)
    return side * torch.minimum(room, r.clamp(max=1e30).to(room)[:, None]).view(clips.shape)
