"""Sums over an epoch that stay on the device."""

import torch
from torch import Tensor


class Tally:
    """Loss, hits and clips so far, and the first step whose loss was not finite.

    Nothing is read back to the host until it is asked for, so that steps are not held up.

    Args:
        device: where losses and logits live.
        sums: of the steps before, float64 (3,): loss summed over clips, hits, clips.
    """

    def __init__(self, device: torch.device, sums: Tensor | None = None) -> None:
        start = torch.zeros(3, dtype=torch.float64) if sums is None else sums
        self.sums = start.to(device, copy=True)
        self.first_bad = torch.full((), -1, dtype=torch.int64, device=device)

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, labels: Tensor, step: int) -> None:
        """Count a batch.

        Args:
            loss: mean over the batch, ().
            logits: (B, K).
            labels: int64 (B,).
            step: what `first_bad` says when this loss is not finite.
        """
        hits = (logits.argmax(1) == labels).sum()
        loss = loss.detach()
        self.sums += torch.stack(
            [loss.double() * len(labels), hits.double(), hits.new_tensor(len(labels)).double()]
        )
        bad = (self.first_bad < 0) & ~torch.isfinite(loss)
        self.first_bad = torch.where(bad, step, self.first_bad)


def means(sums: Tensor) -> tuple[float, float]:
    """Turn sums into mean loss and top-1 accuracy; NaN where no clip was counted."""
    loss, hits, count = sums.tolist()
    return (loss / count, hits / count) if count else (float("nan"), float("nan"))
