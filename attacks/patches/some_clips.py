"""PGD on some clips of a batch."""

from dataclasses import dataclass

from torch import Tensor

from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.losses import resolve_loss
from advvid.attacks.pgd import PgdOptions, linf_pgd, rank_clips
from advvid.inference.frozen import Model
from advvid.random_streams import seeds_of


@dataclass
class PgdOnSome:
    """Attacks clips of a batch again and again, each with its own budget and random stream.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        options: of `linf_pgd`.
    """

    model: Model
    clips: Tensor
    labels: Tensor
    options: PgdOptions

    def __post_init__(self) -> None:
        """Read what all attacks share."""
        self._seeds = seeds_of(self.options.get("seed", 0), self.clips)
        self._loss = resolve_loss(self.options.get("loss", "ce"))
        self._targeted = self.options.get("targeted", False)
        eps, norm = self.options["eps"], self.options.get("norm", "Linf")
        self._settled = Settled(self.model, self.clips, self.labels, eps, self._targeted, norm)

    def __call__(
        self, rows: Tensor, mask: Tensor, steps: int, start: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attack some clips.

        Args:
            rows: int64 (n,), of the batch; a clip may stand there several times.
            mask: where to act, broadcastable to (n, 3, T, H, W).
            steps: of PGD.
            start: where to begin instead of at the clips, (n, 3, T, H, W).

        Returns:
            Clips (n, 3, T, H, W), and their ranks (2, n), see `rank_clips`.
        """
        clips, labels, eps = self.clips[rows], self.labels[rows], self.options["eps"]
        options = self.options.copy()
        options["eps"] = eps[rows] if isinstance(eps, Tensor) and eps.ndim else eps
        options["seed"], options["steps"] = self._seeds[rows], steps
        attacked = linf_pgd(self.model, clips, labels, mask=mask, start=start, **options)
        settled = self._settled.select(rows)
        rank = rank_clips(self.model, attacked, labels, self._loss, self._targeted, settled)
        return attacked, rank
