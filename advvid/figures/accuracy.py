"""Accuracy under attack or another condition: against its strength, and by groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from advvid.figures import palette, words
from advvid.figures.axes import SMALL, TITLE_SIZE, grid, new_figure, percent_axis


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


def accuracy_curves(
    curves: Sequence[Curve],
    clean: float,
    *,
    chance: float | None = None,
    label: str = words.BUDGET,
    clean_name: str = words.NO_ATTACK,
) -> Figure:
    """Draw accuracy against the strength, a line for each condition with its 95% band.

    Args:
        curves: the conditions; one named "worst case" is drawn broad and black, behind the others.
        clean: accuracy on clips as they are.
        chance: accuracy of guessing, or None.
        label: of the axis of strengths.
        clean_name: of the line at `clean`.
    """
    figure = new_figure(8.4, 4.6)
    axes = figure.add_subplot()
    axes.axhline(100 * clean, label=clean_name, **palette.CLEAN)
    if chance is not None:
        axes.axhline(100 * chance, label=words.CHANCE, **palette.CHANCE)
    shaded: set[tuple[float, ...]] = set()
    for number, curve in enumerate(curves):
        worst = curve.name == words.WORST
        usual = {**palette.series(number), "linewidth": 1.3, "markersize": 4, "zorder": 3}
        look = {**palette.WORST_CASE, "zorder": 2.5} if worst else usual
        # Conditions with the same accuracy would shade the same place again and again.
        band = (*curve.strengths, *curve.low)
        if band not in shaded:
            low, high = 100 * np.asarray(curve.low), 100 * np.asarray(curve.high)
            axes.fill_between(
                curve.strengths, low, high, color=look["color"], alpha=0.10, linewidth=0
            )
        shaded.add(band)
        name = words.shortened(curve.name)
        axes.plot(
            curve.strengths, 100 * np.asarray(curve.accuracy), label=name, clip_on=False, **look
        )
    percent_axis(axes)
    axes.set_xlim(left=0)
    axes.set_xlabel(label)
    axes.set_title("accuracy, 95% Wilson intervals", fontsize=TITLE_SIZE)
    grid(axes)
    figure.legend(loc="outside right upper", fontsize=SMALL)
    return figure


def group_bars(bars: Sequence[Bar], *, kind: str = "attack") -> Figure:
    """Draw mean accuracy of each group with its interval, and each condition as a dot.

    As in Kinfu and Vidal 2022, Fig. 5.

    Args:
        bars: first that of clips as they are, then the groups, in order.
        kind: of the conditions.
    """
    figure = new_figure(8.4, 0.9 + 0.42 * len(bars))
    axes = figure.add_subplot()
    places = np.arange(len(bars))
    low, values, high = (
        100 * np.array([getattr(bar, name) for bar in bars]) for name in ("low", "accuracy", "high")
    )
    axes.barh(
        places,
        values,
        xerr=np.clip([values - low, high - values], 0, None),
        height=0.62,
        color=[palette.LIGHT_GRAY, *[palette.BLUE] * (len(bars) - 1)],
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
    axes.set_title(f"accuracy by kind of {kind}, each at its largest strength", fontsize=TITLE_SIZE)
    axes.set_xlim(0, 102)
    axes.set_xlabel(f"{words.ACCURACY}; bars with 95% intervals, dots are single {kind}s")
    axes.xaxis.label.set_fontsize(9)
    grid(axes)
    axes.grid(visible=False, axis="y")
    return figure
