"""Which frames of a clip matter most to a loss."""

import torch
from torch import Tensor

from advvid.attacks.core.linf_box import check_mask


def frame_saliency_scores(gradient: Tensor, mask: Tensor | None = None) -> Tensor:
    """Give the mean absolute gradient of each frame.

    Args:
        gradient: of the loss with respect to the pixels, (B, C, T, H, W).
        mask: where the attack may act, broadcastable to the gradient, or None; what it leaves out
            counts as 0, so that no frame is chosen for pixels that cannot be changed.

    Returns:
        (B, T).

    Source: Inkawhich et al. 2018, "Adversarial attacks for optical flow-based action recognition
    classifiers".
    """
    sizes = gradient.abs()
    if mask is not None:
        sizes = sizes.masked_fill_(~check_mask(mask, gradient), 0)
    return sizes.mean(dim=(1, 3, 4)).nan_to_num_(nan=0.0)


def rank_frames(scores: Tensor) -> Tensor:
    """Give the place of each frame, 0 for the highest score; of equals the earlier comes first.

    Args:
        scores: (B, T).

    Returns:
        int64 (B, T).
    """
    order = scores.argsort(dim=1, descending=True, stable=True)
    return order.argsort(dim=1)


def top_frames(scores: Tensor, count: int) -> Tensor:
    """Mark the frames with the highest scores.

    Args:
        scores: (B, T).
        count: how many of each clip.

    Returns:
        bool (B, 1, T, 1, 1).
    """
    return frame_mask(rank_frames(scores) < count)


def frame_sets(gains: Tensor, frames: int, first: int, count: int) -> list[Tensor]:
    """Give sets of frames by the sum of their gains, the largest first.

    The largest is that of the frames with the largest gains; each other has one of them exchanged.

    Args:
        gains: (B, T).
        frames: how many frames a set has, at most T.
        first: how many sets are passed over; after the last, the first comes again.
        count: how many sets are wanted, which are all different if there are as many.

    Returns:
        bool (B, T) each.
    """
    batch, total = gains.shape
    order = gains.argsort(dim=1, descending=True, stable=True)
    ranked = gains.gather(1, order)
    # What it costs to give up one of the best frames for one of the others.
    loss = (ranked[:, :frames, None] - ranked[:, None, frames:]).flatten(1)
    cheapest = loss.argsort(dim=1, stable=True)
    sets = []
    known = 1 + frames * (total - frames)
    for place in {(first + i) % known: None for i in range(count)}:
        inside = torch.zeros(batch, total, dtype=torch.bool, device=gains.device)
        inside[:, :frames] = True
        if place > 0:
            exchanged = cheapest[:, place - 1 : place]
            inside.scatter_(1, exchanged // (total - frames), False)
            inside.scatter_(1, frames + exchanged % (total - frames), True)
        sets.append(torch.zeros_like(inside).scatter(1, order, inside))
    return sets


def frame_mask(frames: Tensor) -> Tensor:
    """Shape flags of frames (B, T) so that they broadcast over clips, (B, 1, T, 1, 1)."""
    return frames[:, None, :, None, None]
