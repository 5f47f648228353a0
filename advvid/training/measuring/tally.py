"""Sums of loss and hits over batches."""

from collections.abc import Sequence

import torch
from torch import Tensor

from advvid.training.labels import hard_labels


class Tally:
    """Sums over clips, and the first step whose loss was not finite.

    Nothing is read back to the host until it is asked for, so that steps are not held up.

    Args:
        device: where losses and logits live.
        optimizers: names of those whose losses are summed by themselves.
        sums: of the steps before, float64 (1 + optimizers, 3): loss summed over clips, hits, clips.
            The first row is what counts as the loss of an epoch; hits are only counted there.
    """

    def __init__(
        self, device: torch.device, optimizers: Sequence[str] = (), sums: Tensor | None = None
    ) -> None:
        self.optimizers = tuple(optimizers)
        start = torch.zeros(1 + len(self.optimizers), 3, dtype=torch.float64)
        self.sums = (start if sums is None else sums).to(device, copy=True)
        self.first_bad = torch.full((), -1, dtype=torch.int64, device=device)

    @torch.no_grad()
    def count(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: its mean loss (), logits (B, K), and labels (B,) or soft (B, K)."""
        hits = (logits.argmax(1) == hard_labels(labels)).sum()
        self._add(0, loss, hits, len(labels))

    @torch.no_grad()
    def watch(self, loss: Tensor, optimizer: str, count: int, step: int) -> None:
        """Add the loss of an optimizer; remember the step if it is the first not finite."""
        loss = loss.detach()
        if optimizer in self.optimizers:
            row = 1 + self.optimizers.index(optimizer)
            self._add(row, loss, self.first_bad.new_zeros(()), count)
        bad = (self.first_bad < 0) & ~torch.isfinite(loss)
        self.first_bad = torch.where(bad, step, self.first_bad)

    def _add(self, row: int, loss: Tensor, hits: Tensor, count: int) -> None:
        self.sums[row] += torch.stack(
            [loss.detach().double() * count, hits.double(), hits.new_tensor(count).double()]
        )


def means(sums: Tensor) -> tuple[float, float]:
    """Turn sums (3,) into mean loss and top-1 accuracy; NaN where no clip was counted."""
    loss, hits, count = sums.tolist()
    return (loss / count, hits / count) if count else (float("nan"), float("nan"))
