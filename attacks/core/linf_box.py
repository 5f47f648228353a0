"""The set of clips an L-infinity attack may return, as a box."""

from dataclasses import dataclass

import torch
from torch import Tensor

from advvid.errors import InputError


@dataclass(frozen=True)
class Box:
    """All clips between two clips, pixel by pixel.

    The budget, the pixel range and the support all meet in it, so one clamp is the whole
    projection: where the support mask is 0, both bounds are the clean pixel.

    Args:
        lower: (B, C, T, H, W).
        upper: (B, C, T, H, W).
    """

    lower: Tensor
    upper: Tensor

    def project_(self, clips: Tensor) -> Tensor:
        """Move clips to the nearest point of the box, in place."""
        return torch.clamp(clips, min=self.lower, max=self.upper, out=clips)

    def direction(self, clips: Tensor, gradient: Tensor) -> Tensor:
        """Give the steepest ascent among steps of L-infinity length 1: the signs; NaN gives 0."""
        del clips
        # Not in place: the gradient of a sum is one number, expanded.
        return gradient.sign().nan_to_num_(nan=0.0)

    def at(self, fraction: Tensor) -> Tensor:
        """Give the point at this fraction (B, C, T, H, W) in [0, 1] of each side."""
        return torch.lerp(self.lower, self.upper, fraction)

    def within(self, support: Tensor, clean: Tensor) -> "Box":
        """Keep to the clean clips outside of a support, bool and broadcastable to them."""
        return Box(torch.where(support, self.lower, clean), torch.where(support, self.upper, clean))

    def select(self, clips: Tensor) -> "Box":
        """Keep the sides of some clips only; `clips` indexes the batch axis."""
        return Box(self.lower[clips], self.upper[clips])


def linf_box(clips: Tensor, eps: float | Tensor, mask: Tensor | None = None) -> Box:
    """Intersect the L-infinity ball around clips with the pixel range and the support.

    Args:
        clips: (B, C, T, H, W) in [0, 1].
        eps: budget in (0, 1], one for all or (B,).
        mask: where the attack may act: bool or 0/1, broadcastable to (B, C, T, H, W).

    Returns:
        The box of clips x' with |x' - x| <= eps, 0 <= x' <= 1, and x' = x where the mask is 0.

    Raises:
        InputError: when the mask does not fit.
    """
    eps = per_clip(eps, clips)
    lower = (clips - eps).clamp_(min=0)
    upper = (clips + eps).clamp_(max=1)
    if mask is not None:
        return Box(lower, upper).within(check_mask(mask, clips), clips)
    return Box(lower, upper)


def check_mask(mask: Tensor, clips: Tensor) -> Tensor:
    """Turn a support mask into bool on the device of the clips.

    Raises:
        InputError: when it cannot be broadcast to the clips.
    """
    sizes = zip(reversed(mask.shape), reversed(clips.shape), strict=False)
    fits = mask.ndim <= clips.ndim and all(size in (1, wanted) for size, wanted in sizes)
    if not fits:
        raise InputError(
            f"the mask must be broadcastable to the clips {tuple(clips.shape)}; got "
            f"{tuple(mask.shape)}: use (1, 1, T, H, W) for one mask or (B, 1, T, H, W) for each"
        )
    if mask.is_complex() or not bool(((mask == 0) | (mask == 1)).all()):
        raise InputError("the mask must be 0 or 1 (or bool) everywhere; got other values")
    return (mask != 0).to(clips.device)


def both(first: Tensor, mask: Tensor | None, clips: Tensor) -> Tensor:
    """Join a mask with one of the caller's, where there is one."""
    return first if mask is None else torch.logical_and(first, check_mask(mask, clips))


def mask_of(mask: Tensor | None, chosen: Tensor, clips: Tensor) -> Tensor | None:
    """Give the mask of some clips; one that all share stays as it is.

    Args:
        mask: broadcastable to the clips; only one with all of their axes can be one for each.
        chosen: int64, positions of the clips.
        clips: all of them, (B, C, T, H, W).
    """
    if mask is None or mask.ndim < clips.ndim or len(mask) != len(clips):
        return mask
    return mask[chosen.to(mask.device)]


def per_clip(value: float | Tensor, clips: Tensor) -> float | Tensor:
    """Shape a number, or one number a clip (B,), so that it broadcasts over clips.

    Raises:
        InputError: when there is neither one number nor one for each clip.
    """
    if not isinstance(value, Tensor):
        return value
    if value.ndim == 0:
        return float(value)
    if tuple(value.shape) == (len(clips),):
        return value.to(clips).view(-1, *(1,) * (clips.ndim - 1))
    raise InputError(
        f"wanted one number, or one for each of the {len(clips)} clips; got shape "
        f"{tuple(value.shape)}"
    )


def wide(values: Tensor) -> Tensor:
    """Shape one value a clip (B,) so that it broadcasts over clips."""
    return values.view(-1, 1, 1, 1, 1)
