"""The thinnest border that fools a model."""

from typing import NamedTuple

import torch
from torch import Tensor

from advvid.attacks.core.linf_box import both, mask_of
from advvid.attacks.core.masks import border_mask
from advvid.attacks.patches.some_clips import PgdOnSome
from advvid.attacks.pgd import PgdOptions, beats
from advvid.inference.frozen import Model, frozen


class ThinnestBorder(NamedTuple):
    """Clips under attack, and the border of each."""

    clips: Tensor
    """(B, 3, T, H, W)."""
    thickness: Tensor
    """int64 (B,), in pixels."""
    support: Tensor
    """bool, broadcastable to the clips, (B, ...)."""


def thinnest_border(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    most: int,
    options: PgdOptions,
    mask: Tensor | None = None,
) -> ThinnestBorder:
    """Find, clip by clip, the thinnest border that fools a model, in 8 bits too.

    From one pixel on, PGD in a border begins with the best that was found in thinner ones, which
    lie inside it; clips that are fooled leave. (Bisection ends at thicker borders on motions, and
    takes more gradients: most clips need a thin one.) A clip that none fools keeps the full border,
    in which PGD then also begins at the clip: no border of that thickness alone is stronger.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        most: thickness of the full border, in pixels.
        options: of `linf_pgd`.
        mask: of the caller, broadcastable to the clips, or None.
    """
    pgd = PgdOnSome(model, clips, labels, {**options, "early_stop": True})
    steps = options.get("steps", 20)
    height, width = clips.shape[-2:]
    borders = torch.cat(
        [border_mask(height, width, b + 1, device=clips.device) for b in range(most)]
    )

    def support(rows: Tensor, thickness: Tensor) -> Tensor:
        return both(borders[thickness - 1], mask_of(mask, rows, clips), clips[rows])

    found, thickness = clips.clone(), torch.full_like(labels, most)
    rank = clips.new_full((2, len(clips)), -torch.inf, dtype=torch.float32)

    def attack(rows: Tensor, pixels: int, start: Tensor) -> None:
        where = support(rows, torch.full_like(rows, pixels))
        attacked, reached = pgd(rows, where, steps, start)
        better = beats(reached, rank[:, rows])
        found[rows[better]], rank[:, rows[better]] = attacked[better], reached[:, better]

    left = torch.arange(len(clips), device=clips.device)
    with frozen(model):
        for pixels in range(1, most + 1):
            attack(left, pixels, found[left])
            done = rank[0, left] == 2
            thickness[left[done]] = pixels
            left = left[~done]
            if len(left) == 0:
                break
        else:
            attack(left, most, clips[left])
    every = torch.arange(len(clips), device=clips.device)
    return ThinnestBorder(found, thickness, support(every, thickness))
