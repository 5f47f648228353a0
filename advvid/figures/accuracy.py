"""Accuracy under attack or another condition: against its strength, and by groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from advvid.errors import InputError
from advvid.figures import palette, words
from advvid.figures.axes import SMALL, grid, new_figure, percent_axis, titled
from advvid.methods.arguments import checked

_MOST_MARKS = 16


@dataclass(frozen=True)
class Curve:
    """Accuracy under one condition against its strength.

    Args:
        name: of the condition, such as an attack.
        strengths: such as budgets, in the unit of the axis, rising.
        accuracy: shares in [0, 1], one for each strength.
        low: lower ends of the intervals.
        high: upper ends of the intervals.
    """

    name: str
    strengths: Sequence[float]
    accuracy: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]

    def __post_init__(self) -> None:
        """Refuse columns of different lengths.

        Raises:
            InputError: naming the lengths.
        """
        lengths = [len(one) for one in (self.strengths, self.accuracy, self.low, self.high)]
        if len(set(lengths)) > 1:
            raise InputError(
                "a curve has as many accuracies and ends of intervals as strengths; got "
                f"{', '.join(map(str, lengths))}"
            )


@dataclass(frozen=True)
class Bar:
    """Mean accuracy under a group of conditions.

    Args:
        name: of the group.
        accuracy: mean share in [0, 1].
        low: lower end of the interval.
        high: upper end of the interval.
        points: accuracy under each condition of the group.
    """

    name: str
    accuracy: float
    low: float
    high: float
    points: Sequence[float] = ()


@checked
def accuracy_curves(
    curves: Sequence[Curve],
    clean: float,
    *,
    chance: float | None = None,
    label: str = words.BUDGET,
    clean_name: str = words.NO_ATTACK,
    subject: str = "",
) -> Figure:
    """Draw accuracy against the strength, a line for each condition with its 95% intervals.

    Points at one strength stand side by side, so that equal ones are all seen.

    Args:
        curves: the conditions; one named "worst case" is drawn broad and gray, behind the others.
        clean: accuracy on clips as they are.
        chance: accuracy of guessing, or None.
        label: of the axis of strengths.
        clean_name: of the line at `clean`.
        subject: model, data and number of clips, for the title.

    Raises:
        InputError: for anything but curves.
    """
    figure = new_figure(8.4, 4.6)
    axes = figure.add_subplot()
    axes.axhline(100 * clean, label=clean_name, **palette.CLEAN)
    if chance is not None:
        axes.axhline(100 * chance, label=words.CHANCE, **palette.CHANCE)
    usual = [curve for curve in curves if curve.name != words.WORST]
    for curve in curves:
        if curve.name == words.WORST:
            low, high, values = (
                100 * np.asarray(p) for p in (curve.low, curve.high, curve.accuracy)
            )
            axes.fill_between(curve.strengths, low, high, **palette.WORST_INTERVAL)
            axes.plot(
                curve.strengths, values, label=curve.name, clip_on=False, **palette.WORST_CASE
            )
    for number, (curve, aside) in enumerate(zip(usual, _side_by_side(usual), strict=True)):
        look = {**palette.series(number), "linewidth": 1, "markersize": 4.5, "zorder": 3}
        strengths = np.asarray(curve.strengths, dtype=float)
        # Under no condition all are the same: they start from one point.
        strengths = np.where(strengths == 0, 0, strengths + aside)
        low, values, high = (100 * np.asarray(p) for p in (curve.low, curve.accuracy, curve.high))
        bars = axes.errorbar(
            strengths,
            values,
            yerr=np.clip([values - low, high - values], 0, None),
            label=words.shortened(curve.name),
            elinewidth=0.9,
            clip_on=False,
            **look,
        )
        for bar in bars.lines[2]:
            bar.set_alpha(0.5)
            bar.set_clip_on(False)
    percent_axis(axes)
    _mark_strengths(axes, [strength for curve in curves for strength in curve.strengths])
    where = " (side by side at each mark)" if len(usual) > 1 else ""
    axes.set_xlabel(f"{label}{where}")
    known = any(np.isfinite(curve.low).any() for curve in curves)
    titled(axes, "accuracy with 95% intervals" if known else "accuracy", subject, share=0.55)
    grid(axes)
    figure.legend(loc="outside right upper", fontsize=SMALL)
    return figure


def _mark_strengths(axes: Axes, strengths: Sequence[float]) -> None:
    """Mark the strengths themselves, where there is room: points beside one are read as its own."""
    marks = np.unique([0, *strengths])
    if 1 < len(marks) <= _MOST_MARKS and np.diff(marks).min() >= np.ptp(marks) / 20:
        axes.set_xticks(marks, [f"{mark:g}" for mark in marks])


def _side_by_side(curves: Sequence[Curve]) -> Sequence[float]:
    """Give how far each curve is moved, so that all of them take half of the smallest gap."""
    strengths = np.unique([strength for curve in curves for strength in curve.strengths])
    gap = float(np.diff(strengths).min()) if len(strengths) > 1 else 1.0
    places = np.arange(len(curves)) - (len(curves) - 1) / 2
    return list(places * gap / 2 / max(5, len(curves)))


@checked
def group_bars(
    bars: Sequence[Bar],
    *,
    kind: str = "attack",
    strength: str = "each at its largest strength",
    subject: str = "",
) -> Figure:
    """Draw the accuracy of each group with its interval, and each condition as a dot.

    As in Kinfu and Vidal 2022, Fig. 5.

    Args:
        bars: first that of clips as they are, then the groups, in order.
        kind: of the conditions.
        strength: of the conditions, such as "at eps 8/255", for the title.
        subject: model, data and number of clips, for the title.

    Raises:
        InputError: for anything but bars.
    """
    figure = new_figure(8.4, 1.1 + 0.42 * len(bars))
    axes = figure.add_subplot()
    places = np.arange(len(bars))
    low, values, high = (
        100 * np.array([getattr(bar, name) for bar in bars]) for name in ("low", "accuracy", "high")
    )
    colors = [palette.LIGHT_GRAY, *[palette.BLUE] * (len(bars) - 1)]
    axes.barh(
        places,
        values,
        xerr=np.clip([values - low, high - values], 0, None),
        height=0.62,
        color=colors,
        # The edge alone shows a bar of 0.
        edgecolor=colors,
        linewidth=2,
        capsize=3,
        ecolor=palette.BLACK,
        error_kw={"linewidth": 1},
    )
    dots = [(100 * share, place) for place, bar in enumerate(bars) for share in bar.points]
    axes.plot(
        [share for share, _ in dots],
        [place for _, place in dots],
        "o",
        color="white",
        markeredgecolor=palette.BLACK,
        markersize=5,
        zorder=3,
        clip_on=False,
    )
    axes.set_yticks(places, [words.shortened(bar.name) for bar in bars])
    axes.invert_yaxis()
    axes.set_xlim(-1, 102)
    numbers = axes.secondary_yaxis("right")
    numbers.set_yticks(places, [f"{value:.1f}" for value in values])
    numbers.tick_params(length=0)
    titled(axes, f"accuracy by kind of {kind}, {strength}", subject)
    known = "; bars with 95% intervals" if np.isfinite(low).any() else ""
    axes.set_xlabel(f"{words.ACCURACY}{known}; dots are single {kind}s")
    axes.xaxis.label.set_fontsize(9)
    grid(axes)
    axes.grid(visible=False, axis="y")
    return figure
