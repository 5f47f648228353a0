"""Perturbations of few frames: the L2,1 norm, and steps that pay for it."""

import torch
from torch import Tensor

from advvid.attacks.core.ascent import input_gradient
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.frame_ranking import frame_mask
from advvid.attacks.core.linf_box import Box
from advvid.attacks.core.losses import Loss, at_least_float32, is_adversarial

# Length of all steps together, in budgets.
_TOTAL_STEP = 2.5


def frame_norms(delta: Tensor) -> Tensor:
    """Give the L2 norm of each frame, (B, T), of a perturbation (B, C, T, H, W)."""
    return delta.square().sum(dim=(1, 3, 4)).sqrt()


def shrink_frames(delta: Tensor, by: Tensor) -> Tensor:
    """Shorten every frame by a length, to 0 where it is no longer than that.

    It is the proximal operator of `by` times the L2,1 norm.

    Args:
        delta: (B, C, T, H, W).
        by: at least 0, (B,).

    Returns:
        Of the shape of delta.
    """
    norms = frame_norms(delta)
    kept = (1 - by[:, None] / norms.clamp_min(1e-30)).clamp_min(0)
    return delta * frame_mask(kept)


def descend_sparsely(
    settled: Settled, loss: Loss, box: Box, price: Tensor, eps: float, steps: int
) -> Tensor:
    """Minimize price sum_t ||delta_t||_2 - loss in a box by proximal gradient steps.

    Args:
        settled: model, clean clips and labels, and which clips are done.
        loss: see `advvid.attacks.core.losses`.
        box: where clips must stay.
        price: lambda of each clip (B,), in lengths of the gradient of its most sensitive frame.
        eps: budget that the steps are measured in.
        steps: gradient steps.

    Returns:
        The best iterate of each clip (B, C, T, H, W): settled, or else fooled, before any other,
        then the one with the smallest norm, or with the largest loss.
    """
    model, clips, labels = settled.model, settled.clean, settled.labels
    best, x = _Best(settled), clips
    for _ in range(steps):
        gradient, losses, logits = input_gradient(model, x, labels, loss)
        best.take(x, losses, logits)
        inside = torch.where(box.lower < box.upper, gradient.nan_to_num(nan=0.0), 0)
        ascent = -inside if settled.targeted else inside
        x = _proximal_step(x, clips, ascent, box, price, _TOTAL_STEP * eps / steps)
    with torch.no_grad():
        logits = at_least_float32(model(x))
        best.take(x, loss(logits, labels), logits)
    return best.clips


def _proximal_step(
    x: Tensor, clips: Tensor, gradient: Tensor, box: Box, price: Tensor, pixel_step: float
) -> Tensor:
    """Follow the gradient, shrink the frames, project.

    The step is as long as if every pixel of the most sensitive frame moved by `pixel_step`.
    """
    longest = frame_norms(gradient).amax(dim=1)
    pixels = x.shape[1] * x.shape[3] * x.shape[4]
    length = pixel_step * pixels**0.5
    rate = torch.where(longest > 0, length / longest.clamp_min(1e-30), 0)
    moved = x - clips + rate.view(-1, 1, 1, 1, 1) * gradient
    return box.project_(clips + shrink_frames(moved, price * length))


class _Best:
    """The best iterates so far."""

    def __init__(self, settled: Settled) -> None:
        self.settled = settled
        self.clips = settled.clean.clone()
        # 0 where nothing has fooled the model, 1 where something has, 2 where it is settled.
        self.grade = torch.full_like(settled.labels, -1)
        self.value = self.clips.new_full((len(self.clips),), torch.inf)

    def take(self, x: Tensor, losses: Tensor, logits: Tensor) -> None:
        """Keep what is better: settled or fooled, then small; otherwise close to being so."""
        settled = self.settled
        fooled = is_adversarial(logits, settled.labels, settled.targeted)
        signed = losses if settled.targeted else -losses
        value = torch.where(fooled, frame_norms(x - settled.clean).sum(dim=1), signed)
        # No need to ask of what would not be kept.
        asked = fooled & ((self.grade < 2) | (value < self.value))
        grade = fooled.long() + settled(x, asked).long()
        better = (grade > self.grade) | ((grade == self.grade) & (value < self.value))
        self.clips = torch.where(better.view(-1, 1, 1, 1, 1), x, self.clips)
        self.value = torch.where(better, value, self.value)
        self.grade = torch.where(better, grade, self.grade)
