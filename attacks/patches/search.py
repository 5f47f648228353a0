"""Of several supports, the one in which PGD does best, clip by clip."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from advvid.attacks.patches.some_clips import PgdOnSome
from advvid.attacks.pgd import PgdOptions, beats
from advvid.inference.frozen import Model, frozen

# One step in so many chooses among supports, and one support in so many is chosen. On motions as
# many clips are left as when all steps are taken in all supports, for a sixth of the gradients.
_STEPS, _SUPPORTS = 10, 5


class WorstSupport(NamedTuple):
    """Clips under attack, and the supports that they were attacked in."""

    clips: Tensor
    """(B, 3, T, H, W)."""
    choice: Tensor
    """int64 (B,)."""


def worst_support(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    support: Callable[[Tensor, Tensor], Tensor],
    count: int,
    options: PgdOptions,
) -> WorstSupport:
    """Find, clip by clip, the support of several that is worst for the model.

    1. PGD in the first support. Clips that are fooled, in 8 bits too, are done.
    2. A tenth of the steps in each other support, for those that are left.
    3. All steps in the fifth of the supports that was worst in these.

    Worse is what fools in 8 bits, then what fools, then what has the larger loss.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        support: (clips, supports), int64 (n,) each -> bool, broadcastable to (n, 3, T, H, W).
        count: supports that there are of each clip, at least 1.
        options: of `linf_pgd`.

    Returns:
        Clips, and which support each was attacked in.
    """
    search = _Search(PgdOnSome(model, clips, labels, options), support)
    steps = options.get("steps", 20)
    with frozen(model):
        left = torch.arange(len(clips), device=clips.device)
        search.attack(left, torch.zeros_like(left)[:, None], steps)
        left = left[~search.done(left)]
        if count > 1:
            others = torch.arange(1, count, device=clips.device).expand(len(left), -1)
            ranks = search.attack(left, others, -(-steps // _STEPS))
            worst = others.gather(1, _order(ranks)[:, : -(-count // _SUPPORTS)])
            undone = ~search.done(left)
            search.attack(left[undone], worst[undone], steps)
    return WorstSupport(search.best, search.choice)


@dataclass
class _Search:
    """What has been found so far."""

    pgd: PgdOnSome
    support: Callable[[Tensor, Tensor], Tensor]

    def __post_init__(self) -> None:
        self.best = self.pgd.clips.clone()
        self.rank = self.best.new_full((2, len(self.best)), -torch.inf, dtype=torch.float32)
        self.choice = torch.zeros_like(self.pgd.labels)

    def done(self, rows: Tensor) -> Tensor:
        """Tell which clips are fooled, in 8 bits too."""
        return self.rank[0, rows] == 2

    def attack(self, rows: Tensor, tried: Tensor, steps: int) -> Tensor:
        """Attack clips in several supports each, and keep what is worse than all before.

        No more clips than a batch has are in the model at once.

        Args:
            rows: int64 (n,).
            tried: supports, int64 (n, k).
            steps: of PGD.

        Returns:
            Ranks (2, n, k), see `rank_clips`.
        """
        most, each = len(self.best), tried.shape[1]
        ranks = [self.rank.new_empty(2, 0, each)]
        if len(rows) == 0:
            return ranks[0]
        together = max(1, most // each)
        for at, here in zip(rows.split(together), tried.split(together), strict=True):
            clips, supports = at.repeat_interleave(each).split(most), here.flatten().split(most)
            parts = [
                self.pgd(some, self.support(some, tried), steps)
                for some, tried in zip(clips, supports, strict=True)
            ]
            found, found_ranks = zip(*parts, strict=True)
            rank = torch.cat(found_ranks, dim=1).unflatten(1, (len(at), each))
            first = _order(rank)[:, 0]
            worst = rank.gather(2, first.expand(2, -1)[..., None])[..., 0]
            better = beats(worst, self.rank[:, at])
            kept, place = at[better], first[better]
            self.best[kept] = torch.cat(found).unflatten(0, (len(at), each))[better, place]
            self.rank[:, kept] = worst[:, better]
            self.choice[kept] = here[better, place]
            ranks.append(rank)
        return torch.cat(ranks, dim=1)


def _order(ranks: Tensor) -> Tensor:
    """Sort supports (2, n, k), the worst for the model first; of equals the earlier is first."""
    by_loss = ranks[1].argsort(dim=1, descending=True, stable=True)
    by_grade = ranks[0].gather(1, by_loss).argsort(dim=1, descending=True, stable=True)
    return by_loss.gather(1, by_grade)
