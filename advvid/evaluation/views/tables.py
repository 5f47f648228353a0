"""Results as tables in Markdown."""

from collections.abc import Iterable, Sequence

from advvid.evaluation.condition_result import ConditionResult
from advvid.evaluation.result import Results, group_accuracy, strongest
from advvid.figures.words import WORST

_SUFFIX = {"correct": "", "correct_8bit": ", 8 bits", "correct_h264": ", H.264"}


def report(results: Results) -> str:
    """Give the tables with what their numbers are, as table.md has them."""
    groups = [
        group_markdown(results, kind)
        for kind in results.kinds
        if any(len(members) > 1 for members in results.groups(kind).values())
    ]
    changed = [table for table in (changes_markdown(results), frames_markdown(results)) if table]
    return "\n\n".join([_legend(results), markdown(results), *groups, *changed])


def markdown(results: Results) -> str:
    """Give a table for each kind of conditions, or one line where there are none.

    Rows are conditions, columns strengths, cells accuracies in % with their 95% intervals. A
    condition with a strength of its own has it in a column of its own. Time and calls are those of
    the largest strength; calls are per clip.
    """
    if results.kinds:
        return "\n\n".join(_table(results, kind) for kind in results.kinds)
    count = results.sample
    rows = [
        [f"none{_SUFFIX[scored]}", str(results.share(results.worst(None, scored=scored))), count]
        for scored in results.scorings
    ]
    return _joined(["condition", "accuracy", "n"], rows)


def group_markdown(results: Results, kind: str) -> str:
    """Give one accuracy of each group, every condition at its largest strength."""
    rows = []
    for group, members in results.groups(kind).items():
        each = ", ".join(f"{100 * one.accuracy.value:.1f}" for one in members)
        worst = any(one.combined == "worst" for one in members)
        how = "worst of each clip" if worst else "mean" if len(members) > 1 else ""
        rows.append([group, str(len(members)), str(group_accuracy(members)), how, each])
    return _joined([f"{kind} type", f"{kind}s", "accuracy", "which is", "of each"], rows)


def changes_markdown(results: Results) -> str:
    """Give how far each attack changes clips, at its largest strength; "" where nothing was."""
    rows = []
    for members in results.rows("attack").values():
        one = strongest(members)
        if one.changes:
            pairs = [
                [one.change(name, fooled=fooled) for fooled in (False, True)]
                for name in ("frames", "thickness", "roughness")
            ]
            cells = [" / ".join("-" if v is None else f"{v:.3g}" for v in pair) for pair in pairs]
            rows.append([one.name, _at(one), *cells])
    if not rows:
        return ""
    head = ["change by attack", "eps", f"frames of {results.frames}", "thickness %", "roughness %"]
    words = (
        "Mean over all clips attacked / over those that are fooled. Frames: of which any pixel "
        "differs. Thickness: mean size of the change; roughness: of its change from frame to frame."
    )
    return f"{_joined(head, rows)}\n\n{words}"


def frames_markdown(results: Results) -> str:
    """Give accuracy where at most k frames of a clip may be changed; "" where no attack chooses."""
    limits = _some(results.frames)
    rows = []
    for members in results.rows("attack").values():
        one = strongest(members)
        if results.chooses_frames(one):
            found = results.accuracy_by_frames(one.name, one.strength.value)
            rows.append([one.name, _at(one), *(f"{100 * found[k - 1].value:.1f}" for k in limits)])
    if not rows:
        return ""
    head = ["accuracy by frames changed", "eps", *(f"at most {k}" for k in limits)]
    return _joined(head, rows)


def _some(count: int) -> list[int]:
    """Give all numbers from 1 to a small count; of a larger one 1, 2, 4, ... and the count."""
    if count <= 8:
        return list(range(1, count + 1))
    return sorted({*(2**power for power in range(count.bit_length())), count})


def _at(one: ConditionResult) -> str:
    """Give the strength of a result, with its unit where that is not the usual one."""
    usual = one.strength.axis.unit == "1/255"
    return f"{one.strength.printed:.3g}" + ("" if usual else f" ({one.strength.axis.unit})")


def _legend(results: Results) -> str:
    """Say what the numbers of the tables are."""
    axes = dict.fromkeys(results.axis_of(kind) for kind in results.kinds)
    units = "".join(f"; {axis.name} in {axis.unit}" for axis in axes if axis.unit)
    legend = f"Top-1 accuracy in %, 95% {_intervals(results)}{units}."
    if not results.kinds:
        return legend
    per_clip = ", gradients and forwards of one" if _calls(results.results) else ""
    return f"{legend}\nSeconds of all clips{per_clip}, at the largest strength of each row."


def _intervals(results: Results) -> str:
    """Say what is independent in the intervals."""
    if results.videos == len(results.clean):
        return "Wilson intervals in brackets"
    return "intervals over videos, which are independent where clips are not, in brackets"


def _table(results: Results, kind: str) -> str:
    axis, columns, rows = results.axis_of(kind), results.columns_of(kind), results.rows(kind)
    own = not all(results.in_column(one) for members in rows.values() for one in members)
    calls = any(map(_calls, rows.values()))
    clean = "clean" if axis.clean is None else f"{axis.name} {axis.clean:g}"
    strengths = [clean, *(f"{axis.name} {one.printed:.3g}" for one in columns)]
    costs = ["seconds", "gradients", "forwards"] if calls else ["seconds"]
    count = results.sample
    lines = []
    for name, members in rows.items():
        cells = [str(results.clean_accuracy)]
        for column in columns:
            here = (str(one.accuracy) for one in members if one.strength.equals(column))
            cells.append(next(here, ""))
        if own:
            beside = (_own(one, axis.unit) for one in members if not results.in_column(one))
            cells.append("; ".join(beside))
        last = strongest(members)
        numbers = [f"{last.seconds:.1f}"]
        if calls:
            numbers += [f"{last.gradients_per_clip:.0f}", f"{last.forwards_per_clip:.0f}"]
        lines.append([name, *cells, count, *numbers])
    if len(rows) > 1 and columns and axis.clean is not None:
        for scored in results.scorings:
            worst = [results.worst(column, scored=scored) for column in (None, *columns)]
            cells = [*(str(results.share(flags)) for flags in worst), *[""] * own]
            lines.append([f"{WORST}{_SUFFIX[scored]}", *cells, count, *[""] * len(costs)])
    return _joined([kind, *strengths, *[f"own {axis.name}"] * own, "n", *costs], lines)


def _calls(results: Iterable[ConditionResult]) -> bool:
    """Tell whether the model was called at all."""
    return any(one.forwards or one.gradients for one in results)


def _own(one: ConditionResult, usual: str) -> str:
    unit = one.strength.axis.unit
    return f"{one.accuracy} at {one.strength.printed:.4g}{'' if unit == usual else f' ({unit})'}"


def _joined(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
