"""Results as tables in Markdown."""

from collections.abc import Sequence

from advvid.evaluation.condition import Strength
from advvid.evaluation.result import (
    ConditionResult,
    Results,
    accuracy_of,
    mean_accuracy,
    strongest,
)
from advvid.figures.words import WORST

_SCORED = {"correct": "", "correct_8bit": ", 8 bits", "correct_h264": ", H.264"}


def markdown(results: Results) -> str:
    """Give a table for each kind of conditions, or one line where there are none.

    Rows are conditions, columns strengths, cells accuracies in % with their 95% Wilson intervals. A
    condition with a strength of its own has it in a column of its own. Time and calls are those of
    the largest strength; calls are per clip.
    """
    if not results.kinds:
        return _clean_table(results)
    return "\n\n".join(_table(results, kind) for kind in results.kinds)


def group_markdown(results: Results, kind: str = "attack") -> str:
    """Give the mean accuracy of each group, every condition at its largest strength."""
    lines = [[f"{kind} type", f"{kind}s", "mean accuracy", "of each"], ["---", *["---:"] * 3]]
    for group, members in results.groups(kind).items():
        each = ", ".join(f"{100 * one.accuracy.value:.1f}" for one in members)
        lines.append([group, str(len(members)), str(mean_accuracy(members)), each])
    return _joined(lines)


def has_groups(results: Results, kind: str) -> bool:
    """Tell whether a group of a kind has more than one member."""
    return any(len(members) > 1 for members in results.groups(kind).values())


def legend(results: Results) -> str:
    """Say what the numbers of the tables are."""
    axes = dict.fromkeys(results.axis_of(kind) for kind in results.kinds)
    units = "".join(f"; {axis.name} in {axis.unit}" for axis in axes if axis.unit)
    lines = [f"Top-1 accuracy in %, 95% Wilson intervals in brackets{units}."]
    if results.kinds:
        calls = any(one.forwards or one.gradients for one in results.results)
        per_clip = ", gradients and forwards of one" if calls else ""
        lines.append(f"Seconds of all clips{per_clip}, at the largest strength of each row.")
    return "\n".join(lines)


def _table(results: Results, kind: str) -> str:
    axis = results.axis_of(kind)
    columns = results.columns_of(kind)
    members = results.of_kind(kind)
    own = any(not _in_columns(one, columns) for one in members)
    calls = any(one.forwards or one.gradients for one in members)
    clean = "clean" if axis.clean is None else f"{axis.name} {axis.clean:g}"
    head = [kind, clean, *(f"{axis.name} {one.printed:.3g}" for one in columns)]
    head += [*([f"own {axis.name}"] if own else []), "n", "seconds"]
    head += ["gradients", "forwards"] if calls else []
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    count = str(len(results.clean))
    for name in results.names_of(kind):
        rows = [one for one in members if one.name == name]
        cells = [str(results.clean_accuracy), *(_cell(rows, column) for column in columns)]
        if own:
            beside = (_own(one, axis.unit) for one in rows if not _in_columns(one, columns))
            cells.append("; ".join(beside))
        last = strongest(rows)
        costs = [f"{last.seconds:.1f}"]
        if calls:
            costs += [f"{last.gradients_per_clip:.0f}", f"{last.forwards_per_clip:.0f}"]
        lines.append([name, *cells, count, *costs])
    if len(results.names_of(kind)) > 1 and columns and axis.clean is not None:
        blank = [""] * (len(head) - 3 - len(columns) - own)
        for scored, suffix in _scored(results).items():
            found = [results.unattacked(scored)]
            found += [results.worst(column, scored=scored) for column in columns]
            cells = [str(accuracy_of(flags)) for flags in found]
            lines.append([f"{WORST}{suffix}", *cells, *[""] * own, count, *blank])
    return _joined(lines)


def _clean_table(results: Results) -> str:
    """Accuracy under no condition alone."""
    lines = [["condition", "accuracy", "n"], ["---", "---:", "---:"]]
    for scored, suffix in _scored(results).items():
        flags = results.unattacked(scored)
        lines.append([f"none{suffix}", str(accuracy_of(flags)), str(len(flags))])
    return _joined(lines)


def _scored(results: Results) -> dict[str, str]:
    """Ways in which clips are scored, with what the names of their rows end in."""
    with_h264 = results.clean_h264 is not None
    return {key: word for key, word in _SCORED.items() if with_h264 or key != "correct_h264"}


def _in_columns(one: ConditionResult, columns: Sequence[Strength]) -> bool:
    return any(one.strength.equals(column) for column in columns)


def _cell(rows: Sequence[ConditionResult], column: Strength) -> str:
    found = [one for one in rows if one.strength.equals(column)]
    return str(found[0].accuracy) if found else ""


def _own(one: ConditionResult, usual: str) -> str:
    unit = one.strength.axis.unit
    return f"{one.accuracy} at {one.strength.printed:.4g}{'' if unit == usual else f' ({unit})'}"


def _joined(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
