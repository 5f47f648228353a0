"""Labels of a batch, int64 (B,) or soft (B, K) float, and the loss on them."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from advvid.checks import check_labels
from advvid.errors import InputError


def hard_labels(labels: Tensor) -> Tensor:
    """Give int64 (B,): soft labels (B, K) by their largest share."""
    return labels.argmax(1) if labels.is_floating_point() else labels


def check_any_labels(labels: Tensor, count: int, num_classes: int) -> None:
    """Refuse labels that are neither int64 (B,) in 0..K-1 nor shares (B, K) of sum 1.

    Raises:
        InputError: naming what came.
    """
    if not labels.is_floating_point():
        check_labels(labels, count, num_classes)
        return
    if tuple(labels.shape) != (count, num_classes):
        raise InputError(
            f"soft labels must be ({count}, {num_classes}), one share a class; got "
            f"{tuple(labels.shape)}"
        )
    sums = labels.sum(1)
    if not bool((labels >= 0).all()) or not torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        raise InputError(
            "soft labels must be shares of at least 0 that sum to 1; got a row of sum "
            f"{float(sums[(sums - 1).abs().argmax()]):.4g}"
        )


def smoothed_cross_entropy(label_smoothing: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Make the mean cross-entropy of logits of any precision, computed in float32."""

    def criterion(logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)

    return criterion
