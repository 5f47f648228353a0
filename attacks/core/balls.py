"""Balls around clips in the L2 and the L1 norm, within the pixel range and the support."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
from torch import Tensor

from advvid.attacks.core.linf_box import Box, linf_box, wide
from advvid.errors import InputError

_CLOSE = 1e-12
"""Of a budget: what a projection may miss it by, before pixels are rounded inward."""
_MOST_ITERATIONS = 100
L1_SHARE = 0.05
"""Of the pixels: how many a step of PGD under L1 moves."""


class Ball(Protocol):
    """Where an attack must keep a clip: norm, budget, pixel range and support in one."""

    def project_(self, clips: Tensor) -> Tensor:
        """Move clips to the nearest point of the ball, in place."""

    def direction(self, clips: Tensor, gradient: Tensor) -> Tensor:
        """Give the steepest ascent among steps of length 1, (B, C, T, H, W)."""

    def at(self, fraction: Tensor) -> Tensor:
        """Give the point that numbers in [0, 1), (B, C, T, H, W), lead to: a random start."""

    def select(self, clips: Tensor) -> Self:
        """Keep the balls of some clips only; `clips` indexes the batch axis."""


def ball_of(
    norm: str, clips: Tensor, eps: float | Tensor, mask: Tensor | None = None
) -> "Box | NormBall":
    """Intersect a ball around clips with the pixel range and the support.

    Args:
        norm: "Linf", "L2" or "L1".
        clips: (B, C, T, H, W) in [0, 1].
        eps: budget, one for all or (B,): of every pixel in Linf; of the whole clip, in units of
            the pixel range, in L2 and L1.
        mask: where the attack may act: bool or 0/1, broadcastable to the clips.

    Raises:
        InputError: when the mask or the budgets do not fit.
    """
    if norm == "Linf":
        return linf_box(clips, eps, mask)
    radius = torch.as_tensor(eps, dtype=torch.float64, device=clips.device)
    if radius.ndim > 0 and radius.shape != clips.shape[:1]:
        raise InputError(
            f"wanted one number, or one for each of the {len(clips)} clips; got shape "
            f"{tuple(radius.shape)}"
        )
    kind = L2Ball if norm == "L2" else L1Ball
    return kind(clips, linf_box(clips, 1.0, mask), radius.expand(len(clips)))


def lengths(change: Tensor, norm: str) -> Tensor:
    """Give how long the change of each clip (B, ...) is in the norm "Linf", "L2" or "L1", (B,)."""
    order = {"Linf": torch.inf, "L2": 2, "L1": 1}[norm]
    # Sums over all pixels of a clip lose too much in float32.
    wide_enough = torch.float64 if norm != "Linf" else None
    length: Tensor = torch.linalg.vector_norm(change.flatten(1), order, dim=1, dtype=wide_enough)
    return length.to(change)


@dataclass(frozen=True)
class NormBall:
    """All clips within a distance of the clean ones, in the pixel range and the support.

    Args:
        clean: (B, C, T, H, W).
        room: pixel range and support.
        radius: float64 (B,).
    """

    clean: Tensor
    room: Box
    radius: Tensor

    def select(self, clips: Tensor) -> Self:
        """Keep the balls of some clips only; `clips` indexes the batch axis."""
        return replace(
            self,
            clean=self.clean[clips],
            room=self.room.select(clips),
            radius=self.radius[clips],
        )

    def project_(self, clips: Tensor) -> Tensor:
        """Move clips to the nearest point, in place; pixels are rounded toward the clean clip."""
        clean = self.clean.double()
        delta = clips.double() - clean
        bound = torch.where(delta > 0, self.room.upper, self.room.lower).double() - clean
        length = self._shortened(delta.abs().flatten(1), bound.abs().flatten(1)).view_as(delta)
        moved = (clean + delta.sign() * length).to(clips)
        # The rounding of many pixels adds up: it must not lengthen any of them.
        beyond = (moved.double() - clean).abs() > length
        return clips.copy_(torch.where(beyond, torch.nextafter(moved, self.clean), moved))

    @abstractmethod
    def _shortened(self, sizes: Tensor, room: Tensor) -> Tensor:
        """Give the sizes (B, n) of the nearest change inside, from those of a change and bounds."""

    @abstractmethod
    def direction(self, clips: Tensor, gradient: Tensor) -> Tensor:
        """Give the steepest ascent among steps of length 1, (B, C, T, H, W)."""

    def at(self, fraction: Tensor) -> Tensor:
        """Give a random point from uniform numbers (B, C, T, H, W), most often on the surface."""
        noise = torch.where(self.room.lower < self.room.upper, 2 * fraction - 1, 0)
        length = noise.flatten(1).double().norm(dim=1).clamp_min(1e-30)
        # At least as far in L2 as in L1; the projection takes back what is too far.
        scale = (self.radius / length).to(noise)
        return self.project_(self.clean + noise * wide(scale))


class L2Ball(NormBall):
    """A ball in the Euclidean norm of the whole clip."""

    def _shortened(self, sizes: Tensor, room: Tensor) -> Tensor:
        """Scale by the s <= 1 for which min(s a, b) has the radius as its length.

        It minimizes ||z - a||^2 where z <= b and ||z|| <= radius: for the multiplier m of the last,
        z = min(a / (1 + m), b).
        """

        def excess(scale: Tensor) -> tuple[Tensor, Tensor]:
            scaled = sizes * scale[:, None]
            value = torch.minimum(scaled, room).square_().sum(dim=1) - self.radius.square()
            slope = 2 * scale * (sizes.square() * (scaled < room)).sum(dim=1)
            return value, slope

        ones = torch.ones_like(self.radius)
        # The answer where no pixel is at its bound; elsewhere others must go further.
        least = (self.radius / sizes.norm(dim=1).clamp_min(1e-300)).clamp(max=1)
        scale = root(excess, least, ones, self.radius.square())
        return torch.minimum(sizes * scale[:, None], room)

    def direction(self, clips: Tensor, gradient: Tensor) -> Tensor:
        """Give the gradient inside the support, at length 1; NaN gives 0."""
        del clips
        inside = torch.where(self.room.lower < self.room.upper, gradient, 0).nan_to_num_(nan=0.0)
        # By its largest first, so that no square vanishes or overflows.
        largest = inside.flatten(1).abs().amax(dim=1)
        inside = inside / wide(largest.clamp_min(torch.finfo(inside.dtype).tiny))
        return inside / wide(inside.flatten(1).norm(dim=1).clamp_min(1e-30))


@dataclass(frozen=True)
class L1Ball(NormBall):
    """A ball in the sum of absolute values over the whole clip.

    Args:
        share: of the pixels that one step moves, one for all or (B,).
    """

    share: float | Tensor = L1_SHARE

    def select(self, clips: Tensor) -> Self:
        """Keep the balls of some clips only; see `NormBall.select`."""
        share = self.share[clips] if isinstance(self.share, Tensor) else self.share
        return replace(super().select(clips), share=share)

    def _shortened(self, sizes: Tensor, room: Tensor) -> Tensor:
        """Take the same m off all sizes, so that clamp(a - m, 0, b) sums up to the radius.

        Source: Croce and Hein 2021, "Mind the box: l1-APGD for sparse adversarial attacks on image
        classifiers", Prop. 2.1.
        """

        def excess(shift: Tensor) -> tuple[Tensor, Tensor]:
            left = sizes + shift[:, None]
            value = torch.minimum(left.clamp_min(0), room).sum(dim=1) - self.radius
            slope = ((left > 0) & (left < room)).sum(dim=1)
            return value, slope.double()

        nothing = -sizes.amax(dim=1)
        shift = root(excess, nothing, 0 * nothing, self.radius)
        return torch.minimum((sizes + shift[:, None]).clamp_min(0), room)

    def direction(self, clips: Tensor, gradient: Tensor) -> Tensor:
        """Move the pixels with the largest gradients that can follow them, all by the same length.

        Source: Croce and Hein 2021, sec. 3; pixels at an end of their range are left out here, as
        the steps of these few would be lost. NaN gives 0.
        """
        follows = torch.where(gradient > 0, clips < self.room.upper, clips > self.room.lower)
        free = torch.where(follows, gradient, 0).nan_to_num_(nan=0.0)
        sizes = free.flatten(1).abs()
        count = torch.as_tensor(self.share, device=clips.device) * sizes.shape[1]
        last = count.long().clamp(1, sizes.shape[1]).expand(len(sizes))[:, None] - 1
        least = sizes.sort(dim=1, descending=True).values.gather(1, last)
        chosen = ((sizes >= least) & (sizes > 0)).view_as(free)
        moved = chosen.flatten(1).sum(dim=1).clamp_min(1)
        return torch.where(chosen, free.sign(), 0) / wide(moved.to(free))


def root(
    excess: Callable[[Tensor], tuple[Tensor, Tensor]], low: Tensor, high: Tensor, scale: Tensor
) -> Tensor:
    """Find where a rising function reaches 0, by Newton's method kept inside a bracket.

    Args:
        excess: t (B,) -> its value and its slope (B,), piecewise smooth.
        low: (B,), where the value is not above 0.
        high: (B,); where the value is not above 0 there either, it is the answer.
        scale: (B,), what values are measured by.

    Returns:
        float64 (B,), where the value is 0, but for `_CLOSE` of the scale.
    """
    value, slope = excess(high)
    t, end = high, value <= _CLOSE * scale
    for iteration in range(_MOST_ITERATIONS):
        if bool(end.all()):
            break
        newton = (t - value / slope.clamp_min(1e-300)).clamp_min(low)
        # Pieces of other slopes can hold Newton's steps up; halving every fourth time cannot.
        taken = (newton < high) & (iteration % 4 < 3)
        t = torch.where(end, t, torch.where(taken, newton, (low + high) / 2))
        value, slope = excess(t)
        low = torch.where(value <= 0, t, low)
        high = torch.where(value > 0, t, high)
        end = end | (value.abs() <= _CLOSE * scale) | (high - low <= _CLOSE * high.abs())
    return torch.where(value <= _CLOSE * scale, t, low)
