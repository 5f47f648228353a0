"""Figures of an evaluation."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import Figure

# Colors of Okabe and Ito, told apart with any color vision; line styles tell them apart in gray.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00")
_STYLES = ("-", "--", "-.", ":")
_MARKERS = "osD^vPX*"
_WORST = "worst case"


@dataclass(frozen=True)
class Curve:
    """Accuracy of one attack against the budget.

    Args:
        name: of the attack.
        eps: budgets, fractions of the pixel range, rising.
        accuracy: shares in [0, 1], one for each budget.
        low: lower ends of the intervals.
        high: upper ends of the intervals.
    """

    name: str
    eps: Sequence[float]
    accuracy: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Bar:
    """Accuracy of one kind of attack.

    Args:
        name: of the kind.
        accuracy: mean share in [0, 1].
        low: lower end of the interval.
        high: upper end of the interval.
        points: accuracy of each attack of the kind.
    """

    name: str
    accuracy: float
    low: float
    high: float
    points: Sequence[float] = field(default_factory=list)


def accuracy_curves(
    curves: Sequence[Curve],
    clean: float,
    *,
    chance: float | None = None,
    scale: float = 255.0,
    label: str = "budget eps in 1/255",
) -> Figure:
    """Draw accuracy against the budget, a line for each attack with its 95% band.

    Args:
        curves: the attacks; one named "worst case" is drawn in black.
        clean: accuracy without attack.
        chance: accuracy of guessing, or None.
        scale: a budget, or other strength, times this is what the axis shows.
        label: of that axis.
    """
    figure = Figure(figsize=(8.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(100 * clean, color="#999999", linewidth=0.8, label="no attack")
    if chance is not None:
        axes.axhline(100 * chance, color="#999999", linestyle=":", linewidth=1, label="chance")
    shaded: set[tuple[float, ...]] = set()
    for i, curve in enumerate(curves):
        worst = curve.name == _WORST
        color = "black" if worst else _COLORS[i % len(_COLORS)]
        eps = scale * np.asarray(curve.eps)
        # Attacks that fool the same share would shade the same place again and again.
        band = (*curve.eps, *curve.low)
        if band not in shaded:
            axes.fill_between(
                eps,
                100 * np.asarray(curve.low),
                100 * np.asarray(curve.high),
                color=color,
                alpha=0.10,
                linewidth=0,
            )
        shaded.add(band)
        axes.plot(
            eps,
            100 * np.asarray(curve.accuracy),
            color=color,
            linestyle="-" if worst else _STYLES[(i // len(_COLORS)) % len(_STYLES)],
            marker=None if worst else _MARKERS[i % len(_MARKERS)],
            markersize=4,
            linewidth=2.4 if worst else 1.3,
            label=_short(curve.name),
            clip_on=False,
            zorder=3,
        )
    axes.set_ylim(-2, 102)
    axes.set_xlim(left=0)
    axes.set_xlabel(label)
    axes.set_ylabel("top-1 accuracy in %")
    axes.set_title("accuracy, 95% Wilson intervals", fontsize=10)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


def attack_type_bars(bars: Sequence[Bar], *, kind: str = "attack") -> Figure:
    """Draw mean accuracy of each kind of attack, with its interval, and each attack as a dot.

    As in Kinfu and Vidal 2022, Fig. 5.

    Args:
        bars: the kinds of attack, in order.
        kind: what they are kinds of.
    """
    figure = Figure(figsize=(8.4, 0.9 + 0.42 * len(bars)), layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(len(bars))
    values = 100 * np.array([bar.accuracy for bar in bars])
    low, high = (100 * np.array([getattr(bar, end) for bar in bars]) for end in ("low", "high"))
    errors = np.clip([values - low, high - values], 0, None)
    colors = ["#bbbbbb" if i == 0 else _COLORS[0] for i in range(len(bars))]
    axes.barh(
        places,
        values,
        xerr=errors,
        height=0.62,
        color=colors,
        capsize=3,
        ecolor="#333333",
        error_kw={"linewidth": 1},
    )
    for place, bar in zip(places, bars, strict=True):
        if bar.points:
            shares = 100 * np.asarray(bar.points)
            axes.plot(
                shares,
                np.full(len(shares), place),
                "o",
                color="white",
                markeredgecolor="black",
                markersize=5,
                zorder=3,
                clip_on=False,
            )
    axes.set_yticks(places, [_short(bar.name) for bar in bars])
    axes.invert_yaxis()
    axes.set_title(f"accuracy by kind of {kind}, each at its largest strength", fontsize=10)
    axes.set_xlim(0, 102)
    axes.set_xlabel(f"top-1 accuracy in %; bars with 95% intervals, dots are single {kind}s")
    axes.xaxis.label.set_fontsize(9)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:37] + "..."
