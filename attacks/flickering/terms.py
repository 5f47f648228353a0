"""The terms of the flickering attack: how visible an offset is, and how well it fools."""

import math

from torch import Tensor

from advvid.attacks.core.losses import margin

# A lead of logits from which on probabilities no longer tell how far a clip is from being fooled.
_SATURATED = 5.0
_SLOPE = 0.5 / math.cosh(_SATURATED / 2) ** 2
"""Of the lead of probabilities there, so that the slope of the loss does not jump."""


def thickness(offsets: Tensor) -> Tensor:
    """Mean square of the offsets of each clip, D_1.

    Args:
        offsets: one color offset a frame, (B, 3, T, 1, 1).

    Returns:
        (B,).

    Source: Pony, Naeh and Mannor 2021, "Over-the-air adversarial flickering attacks against video
    recognition networks".
    """
    return offsets.square().flatten(1).mean(dim=1)


def roughness(offsets: Tensor) -> Tensor:
    """Mean square of the first and of the second difference in time of each clip, D_2.

    Time is cyclic: the frame after the last is the first.

    Args:
        offsets: (B, 3, T, 1, 1).

    Returns:
        (B,).

    Source: Pony, Naeh and Mannor 2021.
    """
    before, after = offsets.roll(1, dims=2), offsets.roll(-1, dims=2)
    first = (offsets - before).square().flatten(1).mean(dim=1)
    second = (before - 2 * offsets + after).square().flatten(1).mean(dim=1)
    return first + second


def thickness_percent(offsets: Tensor) -> Tensor:
    """Mean size of the offsets of each clip in percent of the pixel range, (B,)."""
    return 100 * offsets.abs().flatten(1).mean(dim=1)


def roughness_percent(offsets: Tensor) -> Tensor:
    """Mean size of the change from frame to frame in percent of the pixel range, (B,)."""
    return 100 * (offsets - offsets.roll(1, dims=2)).abs().flatten(1).mean(dim=1)


def fooling_loss(logits: Tensor, labels: Tensor, limit: float, *, targeted: bool) -> Tensor:
    """Hinge on probabilities, 0 once the clip is misclassified by the margin.

    l = p_y - max_{k != y} p_k + m, or with a target l = max_{k != t} p_k - p_t + m; the loss is
    max(0, min(l^2 / m, l)), which flattens before it ends. Where the logits lead by more than 5,
    the loss continues along a line: probabilities are saturated there, and the gradient of the
    original vanishes beside the regularization or rounds to 0, so that an overconfident model would
    look robust.

    Args:
        logits: (B, K).
        labels: int64 (B,): true labels, or targets.
        limit: the margin m, above 0.
        targeted: labels are targets.

    Returns:
        (B,).

    Source: Pony, Naeh and Mannor 2021.
    """
    sign = 1 if targeted else -1
    excess = limit + sign * margin(logits.softmax(dim=1), labels)
    hinge = excess.minimum(excess.square() / limit).clamp_min(0)
    return hinge + _SLOPE * (sign * margin(logits, labels) - _SATURATED).clamp_min(0)
