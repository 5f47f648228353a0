"""What a step-size sweep measured, and what follows from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.errors import InputError
from advvid.runs.files import write_atomically
from advvid.step_size.optimum import (
    best_step_sizes,
    interval_of,
    resampled_best,
    resampled_interval,
)


@dataclass(frozen=True)
class BestStep:
    """The step size with the largest mean loss for one budget, after all steps.

    Args:
        eps: the budget, a fraction of the pixel range.
        step_size: the best step size, in or between those measured, see
            `advvid.step_size.optimum.best_step_sizes`.
        interval: 95% interval of `step_size`, by resampling the videos that the clips are taken
            from; None for one video.
        resolution: how much larger the next step size is that was measured, as a share: 0.1 where
            the steps around the best are 10% apart (the wider gap of both sides).
        measured: the best of the step sizes that were measured.
        loss: mean loss at `measured`.
        accuracy: share of clips still classified correctly there.
        at_edge: the best is the smallest or largest measured, so a better one may lie outside.
        open_below: the interval reaches the smallest measured, and may go on below.
        open_above: the interval reaches the largest measured, and may go on above.
    """

    eps: float
    step_size: float
    interval: tuple[float, float] | None
    resolution: float
    measured: float
    loss: float
    accuracy: float
    at_edge: bool
    open_below: bool
    open_above: bool


@dataclass(frozen=True)
class StepSizeSurface:
    """Loss and success of PGD over (budget, step size, number of steps), clip by clip.

    Args:
        eps: budgets (E,), fractions of the pixel range, ascending.
        step_sizes: (E, A), fractions of the pixel range, ascending in each row.
        losses: float32 (E, A, M + 1, N), after 0 to M steps.
        correct: bool (E, A, M + 1, N).
        gradients: gradient passes a clip that it took; 0 where that is not known.
        forwards: forward passes a clip without a gradient.
        videos: int (N,), number of the video of each clip; None takes each for one of its own.

    Raises:
        InputError: when the arrays do not agree, or hold what no sweep gives.
    """

    eps: npt.NDArray[np.float64]
    step_sizes: npt.NDArray[np.float64]
    losses: npt.NDArray[np.float32]
    correct: npt.NDArray[np.bool_]
    gradients: int = 0
    forwards: int = 0
    videos: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        wrong = _disagreement(self)
        if wrong:
            raise InputError(f"this is no surface of a sweep: {wrong}")

    @property
    def clips(self) -> int:
        """Number of clips N."""
        return int(self.losses.shape[3])

    @property
    def units(self) -> int:
        """Videos that the clips are taken from: the independent units of all intervals."""
        return self.clips if self.videos is None else len(np.unique(self.videos))

    @property
    def sample(self) -> str:
        """How many clips there are, and of how many videos where these are fewer."""
        clips = f"{self.clips} clip{'s' * (self.clips != 1)}"
        videos = f", {self.units} source video{'s' * (self.units != 1)}"
        return clips if self.units == self.clips else clips + videos

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

    def joined(self, other: "StepSizeSurface") -> "StepSizeSurface":
        """Add other step sizes, measured on the same clips with the same budgets and steps."""
        steps = np.concatenate([self.step_sizes, other.step_sizes], axis=1)
        order = steps.argsort(axis=1)
        rows = np.arange(len(steps))[:, None]

        def sorted_rows(first: Any, second: Any) -> Any:
            return np.concatenate([first, second], axis=1)[rows, order]

        return StepSizeSurface(
            self.eps,
            steps[rows, order],
            sorted_rows(self.losses, other.losses),
            sorted_rows(self.correct, other.correct),
            self.gradients + other.gradients,
            self.forwards + other.forwards,
            self.videos,
        )

    def best(self) -> list[BestStep]:
        """Find the best step size of each budget after all steps."""
        loss, accuracy = self.loss[..., -1], self.accuracy[..., -1]
        rows = []
        for e, (eps, steps) in enumerate(zip(self.eps, self.step_sizes, strict=True)):
            a, last = int(loss[e].argmax()), len(steps) - 1
            final = self.losses[e, :, -1].astype(np.float64)
            interval = resampled_interval(steps, final, self.videos)
            around = steps[max(a - 1, 0) : a + 2]
            rows.append(
                BestStep(
                    eps=float(eps),
                    step_size=float(best_step_sizes(steps, loss[e, None])[0]),
                    interval=interval,
                    resolution=float((around[1:] / around[:-1]).max(initial=1)) - 1,
                    measured=float(steps[a]),
                    loss=float(loss[e, a]),
                    accuracy=float(accuracy[e, a]),
                    at_edge=a in (0, last),
                    open_below=interval is not None and bool(interval[0] <= steps[0]),
                    open_above=interval is not None and bool(interval[1] >= steps[last]),
                )
            )
        return rows

    def fit_law(self) -> StepSizeLaw:
        """Fit the best step sizes by a line in the budget (ordinary least squares).

        The intervals come from resampling videos, as those of the best steps, and not from the
        scatter of the best steps about the line: all budgets are measured on the same clips, so
        their best steps err together.

        Returns:
            Slope and intercept in 1/255, their 95% intervals, which are None for one video and
            where no resample differs, and R^2, which is None for two budgets and for steps that are
            all the same; calling it with a budget gives a step size.

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
        best = self.best()
        x = self.eps * 255
        y = np.array([row.step_size for row in best]) * 255
        fit = stats.linregress(x, y)
        final = self.losses[:, :, -1].astype(np.float64)
        resampled = [
            255 * resampled_best(steps, losses, self.videos)
            for steps, losses in zip(self.step_sizes, final, strict=True)
        ]
        lines = np.linalg.pinv(np.stack([x, np.ones_like(x)], axis=1)) @ np.stack(resampled)
        intervals = [
            interval_of(line, value, self.units) if np.ptp(line) > 1e-9 else None
            for line, value in zip(lines, (fit.slope, fit.intercept), strict=True)
        ]
        return StepSizeLaw(
            slope=float(fit.slope),
            intercept=float(fit.intercept),
            slope_interval=intervals[0],
            intercept_interval=intervals[1],
            # Two points are always on a line.
            r_squared=float(fit.rvalue**2) if len(x) > 2 and np.ptp(y) > 0 else None,
            resolution=max(row.resolution for row in best),
            source=f"fitted to {len(x)} budgets, {self.sample}, {self.max_steps} steps",
        )

    def to_dict(self) -> dict[str, Any]:
        """Give means and best steps for `results.json`; budgets and step sizes in 1/255."""
        return {
            "unit": "1/255",
            "clips": self.clips,
            "videos": self.units,
            "steps": self.max_steps,
            "eps": (self.eps * 255).tolist(),
            "step_sizes": (self.step_sizes * 255).tolist(),
            "gradients": self.gradients,
            "forwards": self.forwards,
            "loss": self.loss.tolist(),
            "accuracy": self.accuracy.tolist(),
            "best": [
                {
                    "eps": row.eps * 255,
                    "step_size": row.step_size * 255,
                    "step_size_interval": row.interval and [bound * 255 for bound in row.interval],
                    "resolution": row.resolution,
                    "measured": row.measured * 255,
                    "loss": row.loss,
                    "accuracy": row.accuracy,
                    "at_edge": row.at_edge,
                    "open_below": row.open_below,
                    "open_above": row.open_above,
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
            known = {name: value for name, value in vars(self).items() if value is not None}
            np.savez_compressed(file, **known)

    @classmethod
    def load(cls, path: str | Path) -> "StepSizeSurface":
        """Read what `save` wrote.

        Raises:
            InputError: when the file is missing or holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                found: dict[str, Any] = {
                    key: arrays[key] for key in cls.__dataclass_fields__ if key in arrays
                }
            for name in _COUNTS:
                found[name] = int(found.get(name, 0))
            return cls(**found)
        except Exception as error:
            # Arbitrary bytes make numpy and zipfile raise whatever there is.
            raise InputError(f"cannot read a sweep from {path}: {error}") from error


_COUNTS = ("gradients", "forwards")


def _disagreement(surface: StepSizeSurface) -> str:
    """Say what of a surface cannot be; "" where it is one."""
    eps, steps = surface.eps, surface.step_sizes
    losses, correct = surface.losses, surface.correct
    budgets, choices = len(eps) if eps.ndim == 1 else 0, steps.shape[-1] if steps.ndim else 0
    if not (budgets and choices) or steps.shape != (budgets, choices):
        return f"budgets (E,) and step sizes (E, A) have shapes {eps.shape} and {steps.shape}"
    if losses.shape[:2] != (budgets, choices) or losses.ndim != 4 or losses.size == 0:
        return f"losses must be (E, A, M + 1, N); got {losses.shape}"
    if losses.shape[2] < 2 or correct.shape != losses.shape or correct.dtype != np.bool_:
        return f"losses and correct must be two of a kind; got {losses.shape} and {correct.shape}"
    videos = surface.videos
    if videos is not None and (videos.shape != losses.shape[3:] or videos.dtype.kind not in "iu"):
        return f"videos must be whole numbers ({losses.shape[3]},); got {videos.shape}"
    for name, values in (("budgets", eps), ("step sizes", steps), ("losses", losses)):
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            return f"{name} must be finite numbers"
        if name != "losses" and not (
            (values > 0).all() and (np.diff(values, axis=-1) > 0).all() and eps.max() <= 1
        ):
            return f"{name} must be above 0 and rise"
    return ""
