"""The step size of PGD on a part of a clip."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class FallingStep:
    """A step that falls in equal parts to 0: alpha_i = min(eps, 1/2) (1 - i / M).

    The law of whole clips does not fit a patch: at eps 1 it is too coarse for the few pixels that
    there are, and at small budgets too small. No pixel is further than 1/2 from the middle of its
    range. Measured, see docs/results.md.
    """

    def __call__(self, eps: float | Tensor) -> float | Tensor:
        """Give the first step for a budget; both are fractions of the pixel range."""
        return eps.clamp(max=0.5) if isinstance(eps, Tensor) else min(float(eps), 0.5)
