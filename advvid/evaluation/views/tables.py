"""The tables of results, before they are spelled in Markdown, LaTeX or for a terminal."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from advvid.evaluation.accuracy import Accuracy
from advvid.evaluation.condition import Strength
from advvid.evaluation.condition_result import ConditionResult
from advvid.evaluation.result import Results, strongest
from advvid.figures.words import WORST

_SUFFIX = {"correct": "", "correct_8bit": ", 8 bits", "correct_h264": ", H.264"}
_CALLS = {"gradients": "gradients_per_clip", "forwards": "forwards_per_clip"}


@dataclass(frozen=True)
class Cell:
    """An accuracy, and the strength that it is at where the column does not say so."""

    accuracy: Accuracy
    at: str = ""

    @property
    def value(self) -> str:
        """The accuracy alone, in %."""
        return f"{100 * self.accuracy.value:.1f}"

    def __str__(self) -> str:
        """Accuracy with its interval; that there is none the legend says once for all."""
        return self.value if self.accuracy.interval is None else str(self.accuracy)


@dataclass(frozen=True)
class Row:
    """A condition at several strengths.

    Args:
        name: of the condition, as it was asked for.
        cells: what stands in each column; several where strengths are the row's own.
        costs: what stands in each column of costs.
        worst: whether it is a worst case over the other rows.
    """

    name: str
    cells: Sequence[Sequence[Cell]]
    costs: Sequence[str] = ()
    worst: bool = False


@dataclass(frozen=True)
class Table:
    """Accuracy under the conditions of one kind.

    Args:
        kind: of the conditions, such as "attack".
        head: of the column of names: the kind, or what the numbers are where two tables share it.
        sample: how many clips the numbers are out of.
        strengths: heads of the columns of accuracy.
        costs: heads of the columns of what it took, at the largest strength of each row.
        rows: see `Row`.
    """

    kind: str
    head: str
    sample: str
    strengths: Sequence[str]
    costs: Sequence[str]
    rows: Sequence[Row]


def tables(results: Results) -> list[Table]:
    """Give a table for each kind of conditions, or one of accuracy under none."""
    if results.kinds:
        return [table for kind in results.kinds for table in _tables(results, kind)]
    rows = [
        Row(f"none{_SUFFIX[scored]}", [[_worst(results, None, scored)]])
        for scored in results.scorings
    ]
    return [Table("condition", "condition", results.sample, ["accuracy"], [], rows)]


def legend(results: Results, *, costs: bool = True) -> list[str]:
    """Say what the numbers of the tables are, in sentences; those of costs perhaps not."""
    axes = dict.fromkeys(results.axis_of(kind) for kind in results.kinds)
    units = "".join(f"; {axis.name} in {axis.unit}" for axis in axes if axis.unit)
    numbers = "Top-1 accuracy" if results.target is None else "Targeted success and top-1 accuracy"
    found = [*_targeted(results), f"{numbers} in %, {_intervals(results)}{units}."]
    if results.kinds and costs:
        per_clip = ", gradients and forwards of one" if _calls(results.results) else ""
        found.append(f"Seconds of all clips{per_clip}, at the largest strength of each row.")
    return found


def _targeted(results: Results) -> list[str]:
    """Say what attacks with a target have to do with accuracy."""
    if results.target is None:
        return []
    able, count = int(results.clean.sum()), len(results.clean)
    aim = str(results.about.get("target", results.target)).partition(";")[0]
    return [
        f"ATTACKS WERE TARGETED: each was to make a clip look like {aim}. Targeted success: how "
        f"many of the {able} clips that were right become their target. Accuracy: how many of all "
        f"{count} keep their label; the others have become the target or another class. Attacks "
        "without a target fool more clips: this accuracy is not robust accuracy."
    ]


def _intervals(results: Results) -> str:
    """Say what is independent in the intervals."""
    if results.clean_accuracy.interval is None:
        return "without intervals: one video or clip tells nothing of others"
    if results.videos == len(results.clean):
        return "95% Wilson intervals in brackets"
    return "95% intervals over videos, which are independent where clips are not, in brackets"


def _tables(results: Results, kind: str) -> list[Table]:
    """Give the table of accuracy, and in front of it that of targeted success if there is any."""
    several = [one for row in results.rows(kind).values() for one in row]
    accuracy = _Measure(
        kind,
        results.sample,
        lambda one: one.accuracy,
        lambda column, scored: results.share(results.worst(column, scored=scored)),
        WORST,
    )
    if results.target is None or any(one.reached is None for one in several):
        return [_table(results, kind, accuracy)]
    accuracy = replace(accuracy, head="accuracy", name=f"{WORST}, targeted")
    if not results.clean.any():
        return [_table(results, kind, accuracy)]
    nobody = np.zeros(len(results.clean), dtype=bool)

    def reached(column: Strength | None, scored: str) -> Accuracy:
        flags = nobody if column is None else results.reached(column, scored)
        return results.targeted_success(flags)

    success = _Measure(
        "targeted success",
        f"{int(results.clean.sum())} that were right",
        lambda one: results.targeted_success(one.reaches()),
        reached,
        "any attack",
    )
    return [replace(_table(results, kind, success), costs=[]), _table(results, kind, accuracy)]


@dataclass(frozen=True)
class _Measure:
    """What the cells of a table say.

    Args:
        head: see `Table`, as `sample`.
        of: a condition.
        together: all conditions up to a strength, in a way of scoring; None is no condition.
        name: of the row of all conditions.
    """

    head: str
    sample: str
    of: Callable[[ConditionResult], Accuracy]
    together: Callable[[Strength | None, str], Accuracy]
    name: str


def _table(results: Results, kind: str, measure: _Measure) -> Table:
    axis, columns, rows = results.axis_of(kind), results.columns_of(kind), results.rows(kind)
    own = not all(results.in_column(one) for members in rows.values() for one in members)
    members = [one for row in rows.values() for one in row]
    costs = ["seconds", *(_CALLS if _calls(members) else ())]
    clean = "clean" if axis.clean is None else f"{axis.name} {axis.clean:g}"
    strengths = [clean, *(f"{axis.name} {one.printed:.3g}" for one in columns)]
    lines = []
    for name, several in rows.items():
        cells = [[Cell(measure.together(None, "correct"))]]
        for column in columns:
            here = [one for one in several if one.strength.equals(column)]
            cells.append([Cell(measure.of(one)) for one in here[:1]])
        if own:
            beside = [one for one in several if not results.in_column(one)]
            cells.append([Cell(measure.of(one), _strength(one, axis.unit)) for one in beside])
        last = strongest(several)
        lines.append(Row(name, cells, [_cost(last, cost) for cost in costs]))
    if len(rows) > 1 and columns and axis.clean is not None:
        for scored in results.scorings:
            cells = [[Cell(measure.together(column, scored))] for column in (None, *columns)]
            row = f"{measure.name}{_SUFFIX[scored]}", [*cells, *[[]] * own], [""] * len(costs)
            lines.append(Row(*row, worst=True))
    heads = [*strengths, *[f"own {axis.name}"] * own]
    return Table(kind, measure.head, measure.sample, heads, costs, lines)


def _worst(results: Results, column: Strength | None, scored: str) -> Cell:
    return Cell(results.share(results.worst(column, scored=scored)))


def _calls(results: Iterable[ConditionResult]) -> bool:
    """Tell whether the model was called at all."""
    return any(one.forwards or one.gradients for one in results)


def _cost(one: ConditionResult, cost: str) -> str:
    if cost == "seconds":
        return f"{one.seconds:.1f}"
    return f"{getattr(one, _CALLS[cost]):.0f}"


def _strength(one: ConditionResult, usual: str) -> str:
    unit = one.strength.axis.unit
    return f"{one.strength.printed:.4g}{'' if unit == usual else f' ({unit})'}"
