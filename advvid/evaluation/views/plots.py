"""Results as curves and bars."""

import math
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from matplotlib.figure import Figure

from advvid.errors import InputError, shown
from advvid.evaluation.accuracy import Accuracy
from advvid.evaluation.condition import Axis, Strength
from advvid.evaluation.condition_result import ConditionResult, Flags
from advvid.evaluation.result import Results, group_accuracy, strongest
from advvid.evaluation.views.about import subject
from advvid.figures import words
from advvid.figures.accuracy import Bar, Curve, accuracy_curves, group_bars
from advvid.figures.saving import save_figure
from advvid.methods.arguments import checked


@checked
def draw(
    folder: Path, results: Results, *, chance: float | None, formats: Sequence[str] = ("png",)
) -> None:
    """Draw the curves and bars of each kind of conditions, and accuracy by frames changed.

    Args:
        folder: where the figures are written.
        results: what is drawn.
        chance: accuracy of guessing, or None.
        formats: of `advvid.figures.saving.FORMATS`.
    """
    found: dict[str, Figure | None] = {}
    for kind in results.kinds:
        name = "accuracy" if kind == "attack" else f"accuracy_{kind}"
        found[name] = accuracy_figure(results, kind, chance=chance)
        found[f"{kind}_types"] = group_figure(results, kind)
    found["accuracy_by_frames"] = frame_figure(results, chance=chance)
    for name, figure in found.items():
        if figure is not None:
            save_figure(figure, Path(folder) / f"{name}.png", formats)


@checked
def accuracy_figure(
    results: Results, kind: str = "attack", *, chance: float | None = None
) -> Figure | None:
    """Draw accuracy against the strength of the conditions of a kind, and their worst case.

    Args:
        results: of `advvid.evaluate`.
        kind: of the conditions, one of `results.kinds`.
        chance: accuracy of guessing, or None.

    Returns:
        A figure, which notebooks show; None where all strengths are the conditions' own.

    Raises:
        InputError: when there are no conditions of that kind.
    """
    axis = _axis(results, kind)
    drawn = curves(results, kind)
    if not drawn:
        return None
    return accuracy_curves(
        drawn,
        results.clean_accuracy.value,
        chance=chance,
        label=words.strength(axis.name, axis.unit),
        clean_name=_clean_name(results, kind),
        subject=subject(results),
    )


@checked
def group_figure(results: Results, kind: str = "attack") -> Figure:
    """Draw the accuracy of each group of conditions of a kind, each at its largest strength.

    Raises:
        InputError: when there are no conditions of that kind.
    """
    _axis(results, kind)
    strengths = {str(one.strength) for one in chain(*results.groups(kind).values())}
    strength = f"at {strengths.pop()}" if len(strengths) == 1 else "each at its largest strength"
    return group_bars(bars(results, kind), kind=kind, strength=strength, subject=subject(results))


@checked
def frame_figure(results: Results, *, chance: float | None = None) -> Figure | None:
    """Draw accuracy against the frames that may be changed; None where no attack chooses frames."""
    drawn = frame_curves(results)
    if not drawn:
        return None
    return accuracy_curves(
        drawn,
        results.clean_accuracy.value,
        chance=chance,
        label=words.FRAMES,
        subject=subject(results),
    )


def _axis(results: Results, kind: str) -> Axis:
    """Give the axis of a kind of conditions.

    Raises:
        InputError: naming the kinds that there are.
    """
    if kind not in results.kinds:
        kinds = ", ".join(results.kinds) or "none"
        raise InputError(f"nothing of the kind {shown(kind)} was evaluated; there are: {kinds}")
    return results.axis_of(kind)


def curves(results: Results, kind: str) -> list[Curve]:
    """Give accuracy against strength of every condition of a kind, and of the worst case.

    Conditions whose strengths are all their own have no curve.
    """
    columns, found = results.columns_of(kind), []
    for name, rows in results.rows(kind).items():
        at = [(one.strength, one.correct) for one in rows if results.in_column(one)]
        if at:
            found.append(_curve(results, name, at))
    if len(found) > 1 and columns[0].axis.clean is not None:
        worst = [(column, results.worst(column)) for column in columns]
        found.append(_curve(results, words.WORST, worst))
    return found


def frame_curves(results: Results) -> list[Curve]:
    """Give accuracy against the frames that may be changed, of attacks that choose frames."""
    found = []
    for members in results.rows("attack").values():
        one = strongest(members)
        if results.chooses_frames(one):
            limited = results.accuracy_by_frames(one.name, one.strength.value)
            accuracy = [results.clean_accuracy, *limited]
            low, high = zip(*map(_ends, accuracy), strict=True)
            values = [one.value for one in accuracy]
            name = f"{one.strength}, {one.name}"
            found.append(Curve(name, range(len(accuracy)), values, low, high))
    return found


def bars(results: Results, kind: str) -> list[Bar]:
    """Give the mean accuracy of each group of a kind, first of all under no condition."""
    clean = results.clean_accuracy
    found = [Bar(_clean_name(results, kind), clean.value, *_ends(clean))]
    groups = results.groups(kind)
    # Bars of different budgets side by side are not to be compared unawares.
    several = len({str(one.strength) for one in chain(*groups.values())}) > 1
    for group, members in groups.items():
        mean = group_accuracy(members)
        points = [one.accuracy.value for one in members] if len(members) > 1 else []
        name = f"{group}, {_range(members)}" if several else group
        found.append(Bar(name, mean.value, *_ends(mean), points))
    return found


def _ends(accuracy: Accuracy) -> tuple[float, float]:
    """Give the ends of an interval; NaN, which is not drawn, where there is none."""
    return accuracy.interval or (math.nan, math.nan)


def _range(members: Sequence[ConditionResult]) -> str:
    """Name the strength of a group, or the smallest and the largest of them."""
    names = {str(one.strength): None for one in sorted(members, key=lambda one: one.strength.value)}
    smallest, *others = names
    return f"{smallest} to {others[-1]}" if others else smallest


def _clean_name(results: Results, kind: str) -> str:
    """Name accuracy under no condition; the clips have been sampled somehow anyway."""
    return "clean" if results.axis_of(kind).clean is None else f"no {kind}"


def _curve(results: Results, name: str, at: list[tuple[Strength, Flags]]) -> Curve:
    """Accuracies at some strengths, from clean on where the axis has such."""
    axis = at[0][0].axis
    clean = [] if axis.clean is None else [(Strength(axis.clean, axis), results.clean)]
    strengths, flags = zip(*clean, *at, strict=True)
    accuracy = [results.share(one) for one in flags]
    low, high = zip(*(_ends(one) for one in accuracy), strict=True)
    return Curve(name, [s.printed for s in strengths], [one.value for one in accuracy], low, high)
