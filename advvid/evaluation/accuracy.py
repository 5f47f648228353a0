"""A share of clips with its interval."""

import math
from dataclasses import dataclass

_Z = 1.959963984540054
"""97.5% point of the standard normal distribution."""


@dataclass(frozen=True)
class Accuracy:
    """Share of clips classified correctly, with its 95% Wilson interval.

    Args:
        correct: number of clips classified correctly; a mean over several attacks on the same clips
            need not be whole.
        count: number of clips.
    """

    correct: float
    count: int

    @property
    def value(self) -> float:
        """The share, in [0, 1]."""
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """95% Wilson score interval (Wilson 1927).

        Of a mean over attacks it is wider than need be: a clip's mean varies less than a coin.
        """
        n, p = self.count, self.value
        center = p + _Z**2 / (2 * n)
        half = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        scale = 1 + _Z**2 / n
        return max(0.0, (center - half) / scale), min(1.0, (center + half) / scale)

    def __str__(self) -> str:
        """Format in percent."""
        low, high = self.interval
        return f"{100 * self.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
