"""What a step-size sweep measured, and what follows from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.errors import InputError
from advvid.runs.files import write_atomically

_RESAMPLES = 1000


@dataclass(frozen=True)
class BestStep:
    """The step size with the largest mean loss for one budget, after all steps.

    Args:
        eps: the budget, a fraction of the pixel range.
        step_size: the best step size of the grid.
        interval: 95% interval of `step_size`, by resampling the clips.
        loss: mean loss there.
        accuracy: share of clips still classified correctly there.
        at_edge: the best is the smallest or largest of the grid, so a better one may lie outside.
    """

    eps: float
    step_size: float
    interval: tuple[float, float]
    loss: float
    accuracy: float
    at_edge: bool


@dataclass(frozen=True)
class StepSizeSurface:
    """Loss and success of PGD over (budget, step size, number of steps), clip by clip.

    Args:
        eps: budgets (E,), fractions of the pixel range, ascending.
        step_sizes: (E, A), fractions of the pixel range, ascending in each row.
        losses: float32 (E, A, M + 1, N), after 0 to M steps.
        correct: bool (E, A, M + 1, N).
    """

    eps: npt.NDArray[np.float64]
    step_sizes: npt.NDArray[np.float64]
    losses: npt.NDArray[np.float32]
    correct: npt.NDArray[np.bool_]

    @property
    def max_steps(self) -> int:
        """Number of steps M."""
        return int(self.losses.shape[2]) - 1

    @property
    def loss(self) -> npt.NDArray[np.float64]:
        """Mean loss (E, A, M + 1) after 0 to M steps."""
        mean: npt.NDArray[np.float64] = self.losses.mean(axis=3, dtype=np.float64)
        return mean

    @property
    def accuracy(self) -> npt.NDArray[np.float64]:
        """Share of clips classified correctly, (E, A, M + 1), after 0 to M steps."""
        mean: npt.NDArray[np.float64] = self.correct.mean(axis=3, dtype=np.float64)
        return mean

    def best(self) -> list[BestStep]:
        """Find the best step size of each budget after all steps."""
        loss, accuracy = self.loss[..., -1], self.accuracy[..., -1]
        rows = []
        for e, eps in enumerate(self.eps):
            a = int(loss[e].argmax())
            low, high = self._interval(e)
            rows.append(
                BestStep(
                    eps=float(eps),
                    step_size=float(self.step_sizes[e, a]),
                    interval=(low, high),
                    loss=float(loss[e, a]),
                    accuracy=float(accuracy[e, a]),
                    at_edge=a in (0, self.step_sizes.shape[1] - 1),
                )
            )
        return rows

    def _interval(self, e: int) -> tuple[float, float]:
        """Resample the clips: 95% percentile interval of the best step of budget e."""
        final = self.losses[e, :, -1].astype(np.float64)
        count = final.shape[1]
        weights = np.random.default_rng(0).multinomial(
            count, np.full(count, 1 / count), size=_RESAMPLES
        )
        chosen = self.step_sizes[e][(weights @ final.T).argmax(axis=1)]
        low, high = np.quantile(chosen, [0.025, 0.975], method="nearest")
        return float(low), float(high)

    def fit_law(self) -> StepSizeLaw:
        """Fit the best step sizes by a line in the budget (ordinary least squares).

        Returns:
            Slope and intercept in 1/255, their 95% intervals (t distribution) and R^2, which are
            None for two budgets; calling it with a budget gives a step size.

        Raises:
            InputError: with fewer than two budgets.

        Source: Kinfu and Vidal 2022, Fig. 2.
        """
        from scipy import stats

        if len(self.eps) < 2:
            raise InputError(
                f"a law needs at least 2 budgets; got {len(self.eps)}: sweep more, such as "
                "1, 4, 8 and 12 of 255"
            )
        x = self.eps * 255
        y = np.array([row.step_size for row in self.best()]) * 255
        fit = stats.linregress(x, y)
        intervals: list[tuple[float, float] | None] = [None, None]
        if len(x) > 2:
            t = stats.t.ppf(0.975, len(x) - 2)
            intervals = [
                (float(value - t * error), float(value + t * error))
                for value, error in (
                    (fit.slope, fit.stderr),
                    (fit.intercept, fit.intercept_stderr),
                )
            ]
        return StepSizeLaw(
            slope=float(fit.slope),
            intercept=float(fit.intercept),
            slope_interval=intervals[0],
            intercept_interval=intervals[1],
            # Two points are always on a line; steps that are all the same leave no variance.
            r_squared=float(fit.rvalue**2) if len(x) > 2 and np.ptp(y) > 0 else None,
            source=f"fitted to {len(x)} budgets, {self.losses.shape[3]} clips, "
            f"{self.max_steps} steps",
        )

    def to_dict(self) -> dict[str, Any]:
        """Give means and best steps for `results.json`; budgets and step sizes in 1/255."""
        return {
            "unit": "1/255",
            "clips": self.losses.shape[3],
            "steps": self.max_steps,
            "eps": (self.eps * 255).tolist(),
            "step_sizes": (self.step_sizes * 255).tolist(),
            "loss": self.loss.tolist(),
            "accuracy": self.accuracy.tolist(),
            "best": [
                {
                    "eps": row.eps * 255,
                    "step_size": row.step_size * 255,
                    "step_size_interval": [bound * 255 for bound in row.interval],
                    "loss": row.loss,
                    "accuracy": row.accuracy,
                    "at_edge": row.at_edge,
                }
                for row in self.best()
            ],
        }

    def save(self, path: str | Path) -> None:
        """Write everything, clip by clip, as .npz (fractions of the pixel range).

        Raises:
            InputError: when the file cannot be written.
        """
        write_atomically(Path(path), self._write)

    def _write(self, path: Path) -> None:
        # A path would be given the ending .npz, a file is not.
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                eps=self.eps,
                step_sizes=self.step_sizes,
                losses=self.losses,
                correct=self.correct,
            )

    @classmethod
    def load(cls, path: str | Path) -> "StepSizeSurface":
        """Read what `save` wrote.

        Raises:
            InputError: when the file is missing or holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(**{key: arrays[key] for key in cls.__dataclass_fields__})
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise InputError(f"cannot read a sweep from {path}: {error}") from error
