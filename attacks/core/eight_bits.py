"""Clips as a video file keeps them: rounded to 8 bits, within the budget."""

from dataclasses import dataclass

import torch
from torch import Tensor

from advvid.attacks.core.balls import Ball
from advvid.attacks.core.linf_box import per_clip, wide
from advvid.attacks.core.losses import is_adversarial
from advvid.inference.frozen import Model

_LEVEL_ROUNDING = 1e-3
"""Of a level: what float32 adds to a budget that is a whole number of them."""
# From a clip that was found to the end of the budget.
_OUTWARD = 8


def in_8_bits(clips: Tensor, within: tuple[Tensor, float | Tensor] | None = None) -> Tensor:
    """Round to levels of 1/255: the nearest, or the nearest of those in a Linf budget.

    Args:
        clips: (B, 3, T, H, W) in [0, 1].
        within: clean clips and their budget, a number or broadcastable to the clips; None rounds
            every pixel to the nearest level.

    Returns:
        Clips of the same shape; where a budget holds no level, the nearest one of all.
    """
    levels = (clips * 255).round_()
    if within is not None:
        clean, eps = within
        # A budget of 1.9 levels allows one, not the two that are nearer to its end.
        lower = ((clean - eps) * 255 - _LEVEL_ROUNDING).ceil_()
        upper = ((clean + eps) * 255 + _LEVEL_ROUNDING).floor_()
        # A clean pixel between levels may have none in a small budget.
        levels = torch.where(lower <= upper, levels.clamp(lower, upper), levels)
    return levels.div_(255).clamp_(0, 1)


def whole_levels(eps: float) -> float:
    """Give what rounding leaves of a Linf budget: its whole gray levels, or all of it below one.

    Of clips of whole levels, no file in 8 bits holds a change between the two.
    """
    levels = int(eps * 255 + _LEVEL_ROUNDING)
    return levels / 255 if levels > 0 else eps


@dataclass(frozen=True)
class Settled:
    """Tells which clips an attack may leave alone: fooled as they are, and in 8 bits too.

    An attack that stops at the first answer it likes may stop at a change smaller than a level,
    which no video file keeps.

    Args:
        model: clips -> logits (B, K), in evaluation mode.
        clean: (B, 3, T, H, W), where the budget is measured from.
        labels: int64 (B,): true labels, or targets when `targeted`.
        eps: the budget, one for all or (B,), or None.
        targeted: see `is_adversarial`.
        norm: that the budget bounds. Every pixel is rounded to the nearest level, in Linf to the
            nearest in the budget; in other norms that may leave the budget.
    """

    model: Model
    clean: Tensor
    labels: Tensor
    eps: float | Tensor | None
    targeted: bool = False
    norm: str = "Linf"

    def select(self, at: Tensor) -> "Settled":
        """Keep some clips only; `at` indexes the batch axis."""
        eps = None if self.eps is None else per_clip(self.eps, self.clean)
        own = eps[at].flatten() if isinstance(eps, Tensor) else eps
        return Settled(self.model, self.clean[at], self.labels[at], own, self.targeted, self.norm)

    @torch.no_grad()
    def fooled(self, clips: Tensor) -> Tensor:
        """Tell which of all clips (B, 3, T, H, W) fool the model as they are, bool (B,)."""
        return is_adversarial(self.model(clips), self.labels, self.targeted)

    def rounded(self, clips: Tensor, at: Tensor) -> Tensor:
        """Round clips (n, 3, T, H, W) to 8 bits, within the Linf budget where there is one."""
        if self.eps is None or self.norm != "Linf":
            return in_8_bits(clips)
        eps = per_clip(self.eps, self.clean)
        return in_8_bits(clips, (self.clean[at], eps[at] if isinstance(eps, Tensor) else eps))

    def __call__(self, clips: Tensor, fooled: Tensor, at: Tensor | None = None) -> Tensor:
        """Look at clips that are fooled; the model is asked of no others.

        Args:
            clips: (n, 3, T, H, W), as an attack has them now.
            fooled: bool (n,), as they are.
            at: int64 (n,), their places in the batch; None is all of it.

        Returns:
            bool (n,).
        """
        settled = fooled.clone()
        if at is None:
            at = torch.arange(len(clips), device=clips.device)
        chosen = fooled.nonzero().squeeze(1)
        if len(chosen) > 0:
            places = at[chosen]
            rounded = self.rounded(clips[chosen], places)
            with torch.no_grad():
                logits = self.model(rounded)
            settled[chosen] = is_adversarial(logits, self.labels[places], self.targeted)
        return settled


@torch.no_grad()
def outward(found: Tensor, fooled: Tensor, ball: Ball, settled: Settled, longest: Tensor) -> Tensor:
    """Move what rounding to 8 bits would undo away from the clean clip, as little as it takes.

    The change is lengthened in eight steps to the end of the budget. What is not settled by that
    stays as it was found.

    Args:
        found: (B, 3, T, H, W).
        fooled: bool (B,), as they are.
        ball: where clips must stay.
        settled: tells which clips are done.
        longest: (B,), the change that the budget allows in lengths of the one that was found.

    Returns:
        Clips of the same shape.
    """
    result = found.clone()
    left = (fooled & ~settled(found, fooled)).nonzero().squeeze(1)
    for step in range(1, _OUTWARD + 1):
        if len(left) == 0:
            break
        own = settled.select(left)
        longer = 1 + step / _OUTWARD * (longest[left] - 1)
        moved = own.clean + wide(longer) * (found[left] - own.clean)
        moved = ball.select(left).project_(moved)
        done = own(moved, own.fooled(moved))
        result[left[done]] = moved[done]
        left = left[~done]
    return result
