"""Where a loss that was measured at some step sizes is largest: between them, and how certainly."""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

NEAR = 1.5
"""Step sizes within this factor of the best one measured decide where the best lies."""

_RESAMPLES = 2000

_FEW = 6


def best_step_sizes(step_sizes: Numbers, losses: Numbers) -> Numbers:
    """Find the step size of the largest loss, in and between those that were measured.

    A parabola in the logarithm of the step size is fitted by least squares to the losses of all
    step sizes within a factor `NEAR` of the best one measured (its neighbors always belong), and
    its vertex is taken. Losses of PGD jump about from one step size to the next, and the largest of
    many is often a jump; the parabola follows the ridge. Where the best is the first or the last
    step size, or the losses around it do not bend down, it is that step size itself.

    Args:
        step_sizes: (A,) above 0, ascending.
        losses: (R, A), curves over the step sizes.

    Returns:
        The best step size of every curve, (R,), within those measured.
    """
    logs = np.log(step_sizes)
    peaks = losses.argmax(axis=1)
    best: Numbers = step_sizes[peaks]
    for peak in np.unique(peaks):
        if peak in (0, len(logs) - 1):
            continue
        near = np.abs(logs - logs[peak]) <= np.log(NEAR) * (1 + 1e-9)
        near[peak - 1 : peak + 2] = True
        x = logs[near] - logs[peak]
        rows = peaks == peak
        design = np.stack([x**2, x, np.ones_like(x)], axis=1)
        bend, slope, _ = np.linalg.pinv(design) @ losses[rows][:, near].T
        down = bend < 0
        vertex = np.where(down, -slope / (2 * np.where(down, bend, -1)), 0)
        best[rows] = step_sizes[peak] * np.exp(vertex.clip(x[0], x[-1]))
    return best


def resampled_best(
    step_sizes: Numbers, losses: Numbers, videos: npt.NDArray[np.int64] | None = None
) -> Numbers:
    """Give the best step size of resampled videos, (R,); the r-th resample is always the same one.

    Clips of one video are drawn together, as they are not independent of each other (the cluster
    bootstrap; Davison and Hinkley 1997, sec. 3.8).

    Args:
        step_sizes: (A,) above 0, ascending.
        losses: (A, N) of clips.
        videos: number of the video of each clip (N,); None takes each for one of its own.
    """
    if videos is not None:
        _, number = np.unique(videos, return_inverse=True)
        losses = np.stack([np.bincount(number, row) for row in losses])
    count = losses.shape[1]
    rng = np.random.default_rng(0)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=_RESAMPLES) / count
    # Sums of unequal numbers of clips: a factor on a whole curve leaves its top where it is.
    return best_step_sizes(step_sizes, weights @ losses.T)


def interval_of(resampled: Numbers, estimate: float, units: int) -> tuple[float, float] | None:
    """Give the 95% interval of what was estimated on independent units, by its resamples.

    Percentiles of the bootstrap are too narrow for few units, by sqrt((n - 1) / n) and by the
    normal in place of the t distribution; they are taken further out by both. Fewer than 6 units
    hold no percentile far enough out, as the truth lies beyond all n units once in 2^(n - 1) times:
    they get Student's interval with the standard error of the bootstrap.

    Args:
        resampled: (R,).
        estimate: of all units.
        units: n, drawn independently.

    Returns:
        Both ends, or None for one unit, which tells nothing of others.

    Source: Hesterberg 2015, "What teachers should know about the bootstrap", sec. 5.3 (expanded
    percentile interval) and 5.2 (t interval with bootstrap standard error).
    """
    from scipy import stats

    if units < 2:
        return None
    reach = np.sqrt(units / (units - 1)) * stats.t.ppf(0.975, units - 1)
    if units < _FEW:
        half = reach * float(resampled.std())
        return float(estimate - half), float(estimate + half)
    tail = stats.norm.cdf(-reach)
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def resampled_interval(
    step_sizes: Numbers, losses: Numbers, videos: npt.NDArray[np.int64] | None = None
) -> tuple[float, float] | None:
    """Give the 95% interval of the best step size, within those measured; None for one video.

    Args:
        step_sizes: see `resampled_best`, as `losses` and `videos`.
    """
    resampled = resampled_best(step_sizes, losses, videos)
    units = losses.shape[1] if videos is None else len(np.unique(videos))
    if not 2 <= units < _FEW:
        return interval_of(resampled, 0.0, units)
    # A step is a factor: Student's interval is symmetric in its logarithm.
    best = float(best_step_sizes(step_sizes, losses.mean(axis=1)[None])[0])
    factors = np.exp(interval_of(np.log(resampled / best), 0.0, units) or (0, 0))
    low, high = (best * factors).clip(step_sizes[0], step_sizes[-1])
    return float(low), float(high)


def finer_step_sizes(step_sizes: Numbers, loss: Numbers, count: int) -> Numbers:
    """Choose further step sizes to measure: between the best one and its neighbors.

    Args:
        step_sizes: (E, A), ascending in each row; A at least 2.
        loss: mean loss (E, A) there.
        count: number K of further ones for each budget.

    Returns:
        (E, K), ascending: half of them on either side of the best, evenly in the logarithm; all on
        the one side that there is where the best is the first or the last.
    """
    rows = []
    for steps, peak in zip(step_sizes, loss.argmax(axis=1), strict=True):
        below = 0 if peak == 0 else count if peak == len(steps) - 1 else count // 2
        gaps = ((peak - 1, below), (peak, count - below))
        rows.append(
            [
                *(
                    float(steps[at] * (steps[at + 1] / steps[at]) ** (k / (inside + 1)))
                    for at, inside in gaps
                    for k in range(1, inside + 1)
                )
            ]
        )
    return np.array(rows).reshape(len(step_sizes), count)
