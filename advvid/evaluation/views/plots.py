"""Results as the curves and bars that figures draw."""

from collections.abc import Sequence

from advvid.evaluation.condition import Strength
from advvid.evaluation.result import Flags, Results, accuracy_of, mean_accuracy
from advvid.figures.accuracy import Bar, Curve
from advvid.figures.words import WORST


def curves(results: Results, kind: str) -> list[Curve]:
    """Give accuracy against strength of every condition of a kind, and of the worst case.

    Conditions whose strengths are all their own have no curve.
    """
    columns = results.columns_of(kind)
    found = []
    for name in results.names_of(kind):
        rows = [one for one in results.of_kind(kind) if one.name == name]
        at = [(one.strength, one.correct) for one in rows if _in(one.strength, columns)]
        if at:
            found.append(_curve(results, name, at))
    if len(found) > 1 and columns[0].axis.clean is not None:
        worst = [(column, results.worst(column)) for column in columns]
        found.append(_curve(results, WORST, worst))
    return found


def bars(results: Results, kind: str) -> list[Bar]:
    """Give the mean accuracy of each group of a kind, first of all under no condition."""
    clean = results.clean_accuracy
    found = [Bar(clean_name(results, kind), clean.value, *clean.interval)]
    for group, members in results.groups(kind).items():
        mean = mean_accuracy(members)
        points = [one.accuracy.value for one in members] if len(members) > 1 else []
        found.append(Bar(group, mean.value, *mean.interval, points))
    return found


def clean_name(results: Results, kind: str) -> str:
    """Name accuracy under no condition; the clips have been sampled somehow anyway."""
    return "clean" if results.axis_of(kind).clean is None else f"no {kind}"


def _in(strength: Strength, columns: Sequence[Strength]) -> bool:
    return any(strength.equals(column) for column in columns)


def _curve(results: Results, name: str, at: Sequence[tuple[Strength, Flags]]) -> Curve:
    """Accuracies at some strengths, from clean on where the axis has such."""
    axis = at[0][0].axis
    points = [] if axis.clean is None else [(axis.clean, results.clean)]
    points += [(strength.value, flags) for strength, flags in at]
    found = [accuracy_of(flags) for _, flags in points]
    return Curve(
        name=name,
        strengths=[axis.scale * value for value, _ in points],
        accuracy=[one.value for one in found],
        low=[one.interval[0] for one in found],
        high=[one.interval[1] for one in found],
    )
