"""The tables of results, before they are spelled in Markdown, LaTeX or for a terminal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from advvid.evaluation.accuracy import Accuracy
from advvid.evaluation.result import ConditionResult, Results, accuracy_of, mean_accuracy, strongest
from advvid.figures.words import WORST

_SUFFIX = {"correct": "", "correct_8bit": ", 8 bits", "correct_h264": ", H.264"}
_CALLS = {"gradients": "gradients_per_clip", "forwards": "forwards_per_clip"}
_REPORTED = {"frames": ".1f", "thickness": ".2f", "roughness": ".2f"}
"""What of the reports of conditions is shown, as the mean over clips."""


@dataclass(frozen=True)
class Cell:
    """An accuracy, and the strength that it is at where the column does not say so."""

    accuracy: Accuracy
    at: str = ""


@dataclass(frozen=True)
class Row:
    """A condition at several strengths.

    Args:
        name: of the condition, as it was asked for.
        cells: what stands in each column; several where strengths are the row's own.
        costs: what stands in each column of costs.
        reports: what stands in each column of reports.
        worst: whether it is a worst case over the other rows.
    """

    name: str
    cells: Sequence[Sequence[Cell]]
    costs: Sequence[str] = ()
    reports: Sequence[str] = ()
    worst: bool = False


@dataclass(frozen=True)
class Table:
    """Accuracy under the conditions of one kind.

    Args:
        kind: of the conditions, such as "attack"; heads the column of names.
        strengths: heads of the columns of accuracy.
        costs: heads of the columns of what it took, at the largest strength of each row.
        reports: heads of the columns of what was told of the clips, at that strength too.
        rows: see `Row`.
    """

    kind: str
    strengths: Sequence[str]
    costs: Sequence[str]
    reports: Sequence[str]
    rows: Sequence[Row]


@dataclass(frozen=True)
class GroupRow:
    """The mean over the conditions of one group, and each of them."""

    name: str
    mean: Accuracy
    each: Sequence[Accuracy]


def tables(results: Results) -> list[Table]:
    """Give a table for each kind of conditions, or one of accuracy under none."""
    if results.kinds:
        return [_table(results, kind) for kind in results.kinds]
    rows = [
        Row(f"none{_SUFFIX[scored]}", [[Cell(accuracy_of(results.worst(None, scored=scored)))]])
        for scored in results.scorings
    ]
    return [Table("condition", ["accuracy"], [], [], rows)]


def group_tables(results: Results) -> dict[str, list[GroupRow]]:
    """Give the groups of each kind where a group has several conditions; else nothing."""
    found = {kind: group_rows(results, kind) for kind in results.kinds}
    return {kind: rows for kind, rows in found.items() if any(len(row.each) > 1 for row in rows)}


def group_rows(results: Results, kind: str) -> list[GroupRow]:
    """Give the mean accuracy of each group, every condition at its largest strength."""
    return [
        GroupRow(group, mean_accuracy(members), [one.accuracy for one in members])
        for group, members in results.groups(kind).items()
    ]


def legend(results: Results) -> list[str]:
    """Say what the numbers of the tables are, in sentences."""
    axes = dict.fromkeys(results.axis_of(kind) for kind in results.kinds)
    units = "".join(f"; {axis.name} in {axis.unit}" for axis in axes if axis.unit)
    intervals = "" if results.clean_accuracy.interval is None else ", 95% intervals in brackets"
    found = [f"Top-1 accuracy in %{intervals}{units}."]
    if results.kinds:
        per_clip = ", gradients and forwards of one" if _calls(results.results) else ""
        found.append(f"Seconds of all clips{per_clip}, at the largest strength of each row.")
    told = [name for name in _REPORTED if any(name in one.report for one in results.results)]
    if told:
        names = " and ".join(filter(None, (", ".join(told[:-1]), told[-1])))
        found.append(f"{names.capitalize()}: mean over the clips attacked, at that strength too.")
    return found


def _table(results: Results, kind: str) -> Table:
    axis, columns, rows = results.axis_of(kind), results.columns_of(kind), results.rows(kind)
    own = not all(results.in_column(one) for members in rows.values() for one in members)
    members = [one for row in rows.values() for one in row]
    costs = ["seconds", *(_CALLS if _calls(members) else ())]
    reports = [name for name in _REPORTED if any(name in one.report for one in members)]
    clean = "clean" if axis.clean is None else f"{axis.name} {axis.clean:g}"
    strengths = [clean, *(f"{axis.name} {one.printed:.3g}" for one in columns)]
    lines = []
    for name, several in rows.items():
        cells = [[Cell(results.clean_accuracy)]]
        for column in columns:
            here = [one for one in several if one.strength.equals(column)]
            cells.append([Cell(one.accuracy) for one in here[:1]])
        if own:
            beside = [one for one in several if not results.in_column(one)]
            cells.append([Cell(one.accuracy, _strength(one, axis.unit)) for one in beside])
        last = strongest(several)
        told = [_told(last, name) for name in reports]
        lines.append(Row(name, cells, [_cost(last, cost) for cost in costs], told))
    if len(rows) > 1 and columns and axis.clean is not None:
        for scored in results.scorings:
            worst = [results.worst(column, scored=scored) for column in (None, *columns)]
            cells = [*([Cell(accuracy_of(flags))] for flags in worst), *[[]] * own]
            name = f"{WORST}{_SUFFIX[scored]}"
            empty = [""] * len(costs), [""] * len(reports)
            lines.append(Row(name, cells, *empty, worst=True))
    return Table(kind, [*strengths, *[f"own {axis.name}"] * own], costs, reports, lines)


def _calls(results: Iterable[ConditionResult]) -> bool:
    """Tell whether the model was called at all."""
    return any(one.forwards or one.gradients for one in results)


def _cost(one: ConditionResult, cost: str) -> str:
    if cost == "seconds":
        return f"{one.seconds:.1f}"
    return f"{getattr(one, _CALLS[cost]):.0f}"


def _told(one: ConditionResult, name: str) -> str:
    """Average what was told of the clips that a condition was applied to."""
    told = one.report.get(name, np.zeros(0))
    told = told[np.isfinite(told)]
    return format(told.mean(), _REPORTED[name]) if len(told) else ""


def _strength(one: ConditionResult, usual: str) -> str:
    unit = one.strength.axis.unit
    return f"{one.strength.printed:.4g}{'' if unit == usual else f' ({unit})'}"
