"""A share of clips with its interval, which counts independent videos and not clips."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_Z = 1.959963984540054
"""97.5% point of the standard normal distribution."""


@dataclass(frozen=True)
class Accuracy:
    """Share of clips classified correctly, with its 95% interval.

    Args:
        correct: number of clips classified correctly; a mean over several attacks on the same clips
            need not be whole.
        count: number of clips.
        units: independent units among them, such as videos; None where each clip is one.
        effective: number of independent clips that would tell as much; None for `count`.
    """

    correct: float
    count: int
    units: int | None = None
    effective: float | None = None

    @classmethod
    def over(cls, correct: npt.ArrayLike, units: npt.NDArray[Any] | None = None) -> "Accuracy":
        """Count flags or shares (N,) of clips; clips with the same entry of `units` (N,) are one.

        Clips of one video mostly share their fate, so they tell less than as many videos. How much
        less is measured: the variance of the share between videos, over that of independent clips
        (the design effect). A share of 0 or 1 shows no variance, so its clips are taken to agree
        within each video.
        """
        shares = np.asarray(correct, dtype=np.float64)
        count, total = len(shares), float(shares.sum())
        right = int(total) if total.is_integer() else total
        if units is None or len(np.unique(units)) == count:
            return cls(right, count)
        _, number, sizes = np.unique(units, return_inverse=True, return_counts=True)
        videos = len(sizes)
        if videos == 1:
            return cls(right, count, 1, 1.0)
        least = count**2 / float((sizes**2).sum())
        share = total / count
        residuals = np.bincount(number, shares) - share * sizes
        variance = videos / (videos - 1) * float((residuals**2).sum()) / count**2
        binomial = share * (1 - share)
        effective = least
        if binomial > 1e-12:
            effective = binomial / variance if variance > binomial / count else float(count)
            effective = min(max(effective, least), float(count))
        return cls(right, count, videos, effective)

    @property
    def value(self) -> float:
        """The share, in [0, 1]."""
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% Wilson score interval (Wilson 1927), or None of a single unit, which tells of none.

        Where units have several clips it is that of the effective number of clips, with Student's t
        for the few units that it was measured on (Korn and Graubard 1998; Dean and Pagano 2015,
        "Evaluating confidence interval methods for binomial proportions in clustered surveys").
        Of a mean over attacks it is wider than need be: a clip's mean varies less than a coin.
        """
        units = self.count if self.units is None else self.units
        if units < 2:
            return None
        n, p = float(self.count if self.effective is None else self.effective), self.value
        if units < self.count:
            from scipy.special import stdtrit

            n *= (_Z / float(stdtrit(units - 1, 0.975))) ** 2
        center = p + _Z**2 / (2 * n)
        half = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        scale = 1 + _Z**2 / n
        return max(0.0, (center - half) / scale), min(1.0, (center + half) / scale)

    def __str__(self) -> str:
        """Format in percent."""
        value = f"{100 * self.value:.1f}"
        if self.interval is None:
            return f"{value} (one {'clip' if self.count == 1 else 'video'}: no interval)"
        low, high = self.interval
        return f"{value} [{100 * low:.1f}, {100 * high:.1f}]"
