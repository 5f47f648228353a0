"""How large a change fools half of the clips: minimal norms, read off the budgets of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from advvid.evaluation.condition import Axis
from advvid.evaluation.condition_result import ConditionResult, Flags, Numbers, Units
from advvid.evaluation.result import Results
from advvid.figures.words import WORST
from advvid.random_streams import generator

DISTANCE = "distance"
"""What an attack reports that knows how far the nearest clip is that it found, (B,) in its norm."""

_DRAWS = 1000


@dataclass(frozen=True)
class Found:
    """The median distance of the nearest clips that an attack found, with a 95% interval.

    Of the clips, those that nothing was found for are infinitely far. The interval is that of
    medians over videos drawn with replacement (Efron 1979, "Bootstrap methods"); None of one video.
    """

    median: float
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        """Such as "2.51 [2.2, 2.9]"."""
        ends = "" if self.interval is None else " [{:.3g}, {:.3g}]".format(*self.interval)
        return f"{self.median:.3g}{ends}"


@dataclass(frozen=True)
class Distance:
    """The smallest budget at which half of the clips are fooled, that were right without attack.

    A clip counts as fooled from the smallest budget on that fools it; if attacks were targeted,
    that makes it look like its target. The answer lies above one budget of the evaluation and not
    above the next.

    Args:
        name: of the attack, or "worst case".
        axis: of its budgets.
        nearest: (M,) the smallest budget that fools each clip, infinite where none does; in the
            unit of the axis, as all that follows.
        above: fewer than half are fooled there; 0 where the smallest budget fools half.
        below: half are fooled there; None where the largest budget, which is `above`, fools fewer.
        interpolated: where the share of fooled clips would be one half if it rose evenly between
            the two.
        found: of an attack that reports distances, or None.
    """

    name: str
    axis: Axis
    nearest: Numbers
    above: float
    below: float | None
    interpolated: float | None
    found: Found | None = None

    def __str__(self) -> str:
        """Such as "4 to 8", or "> 15"."""
        above = f"{self.above:.3g}"
        return f"> {above}" if self.below is None else f"{above} to {self.below:.3g}"


def distances(results: Results) -> list[Distance]:
    """Give the distance of each attack with several budgets or distances of its own.

    The worst case of each norm, over all its attacks up to the largest column, comes last. Nothing
    where no clip was right without attack.
    """
    if not results.clean.any():
        return []
    axes: dict[Axis, dict[str, list[ConditionResult]]] = {}
    for name, members in results.rows("attack").items():
        # An attack without a bound is the same at every budget.
        if members[0].facts.get("norm") != "none":
            axes.setdefault(members[0].strength.axis, {})[name] = members
    rows, worst = [], []
    for axis, attacks in axes.items():
        for name, members in attacks.items():
            found = _found(results, members)
            if found is not None or len(members) > 1:
                rows.append(_distance(results, name, members, found))
        columns = [one for one in results.columns if one.axis == axis]
        every = [
            one
            for members in attacks.values()
            for one in members
            # A patch of any color is no larger budget for the whole clip.
            if not columns or any(column.covers(one.strength) for column in columns)
        ]
        if len(attacks) > 1 and len({one.strength.value for one in every}) > 1:
            worst.append(_distance(results, WORST, every, None))
    return [*rows, *worst]


def _distance(
    results: Results, name: str, members: Sequence[ConditionResult], found: Found | None
) -> Distance:
    """Read the distance off some results on one axis."""
    fooled = np.stack([_fooled(one)[results.clean] for one in members])
    strengths = np.array([[one.strength.printed] for one in members])
    nearest: Numbers = np.where(fooled, strengths, np.inf).min(axis=0)
    budgets = sorted({one.strength.printed for one in members})
    above, share = 0.0, 0.0
    for budget in budgets:
        further = float((nearest <= budget).mean())
        if further >= 0.5:
            between = above + (0.5 - share) / (further - share) * (budget - above)
            return Distance(name, members[0].strength.axis, nearest, above, budget, between, found)
        above, share = budget, further
    return Distance(name, members[0].strength.axis, nearest, above, None, None, found)


def _fooled(one: ConditionResult) -> Flags:
    """Tell which clips (N,) a condition did to what it was to do."""
    return ~one.correct if one.reached is None else one.reached


def _found(results: Results, members: Sequence[ConditionResult]) -> Found | None:
    """Give the median of the distances that an attack reports, the smallest of each clip."""
    told = [one.report[DISTANCE] for one in members if DISTANCE in one.report]
    if not told:
        return None
    # What was not attacked at one budget may have been at another.
    nearest = np.fmin.reduce(told)[results.clean] * members[0].strength.axis.scale
    units = np.arange(len(nearest)) if results.units is None else results.units[results.clean]
    return Found(
        float(_medians(nearest, np.ones((1, len(nearest)), dtype=np.int64))[0]),
        _interval(nearest, units),
    )


def _interval(values: Numbers, units: Units) -> tuple[float, float] | None:
    """Give 95% of the medians of resampled units."""
    _, number = np.unique(units, return_inverse=True)
    count = int(number.max()) + 1
    if count < 2:
        return None
    drawn = generator(0, stream="distances").multinomial(count, np.full(count, 1 / count), _DRAWS)
    # Between two medians, of which one may be infinite, there is none.
    low, high = np.quantile(
        _medians(values, drawn[:, number]), [0.025, 0.975], method="inverted_cdf"
    )
    return float(low), float(high)


def _medians(values: Numbers, weights: Units) -> Numbers:
    """Give the smallest value (D,) that half of the weight of each draw (D, M) is not above."""
    order = np.argsort(values, kind="stable")
    up_to = weights[:, order].cumsum(axis=1)
    medians: Numbers = values[order][(2 * up_to >= up_to[:, -1:]).argmax(axis=1)]
    return medians
