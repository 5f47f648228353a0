"""The tables beside those of accuracy: groups, distances, changes, frames."""

from collections.abc import Sequence
from dataclasses import dataclass

from advvid.evaluation.condition_result import ConditionResult
from advvid.evaluation.result import Results, group_accuracy, strongest
from advvid.evaluation.views.distances import distances
from advvid.evaluation.views.tables import Cell

_CHANGES = ("frames", "thickness", "roughness")


@dataclass(frozen=True)
class SmallTable:
    """A table beside those of accuracy.

    Args:
        head: of each column; the first holds names.
        rows: texts.
        note: what the numbers are, or "".
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def small_tables(results: Results) -> list[SmallTable]:
    """Give the tables of groups, changes and frames; those with nothing to tell are left out."""
    groups = [
        group_table(results, kind)
        for kind in results.kinds
        if any(len(members) > 1 for members in results.groups(kind).values())
    ]
    found = [*groups, distance_table(results), _change_table(results), frame_table(results)]
    return [table for table in found if table.rows]


def group_table(results: Results, kind: str) -> SmallTable:
    """Give one accuracy of each group, every condition at its largest strength."""
    rows = []
    for group, members in results.groups(kind).items():
        each = ", ".join(Cell(one.accuracy).value for one in members)
        worst = any(one.combined == "worst" for one in members)
        how = "worst of each clip" if worst else "mean" if len(members) > 1 else ""
        rows.append([group, str(len(members)), str(Cell(group_accuracy(members))), how, each])
    return SmallTable([f"{kind} type", f"{kind}s", "accuracy", "which is", "of each"], rows)


def _change_table(results: Results) -> SmallTable:
    """Give how far each attack changes clips, at its largest strength."""
    rows = []
    for members in results.rows("attack").values():
        one = strongest(members)
        if one.changes:
            pairs = [[one.change(name, fooled=way) for way in (False, True)] for name in _CHANGES]
            cells = [" / ".join("-" if v is None else f"{v:.3g}" for v in pair) for pair in pairs]
            rows.append([one.name, _at(one), *cells])
    head = ["change by attack", "eps", f"frames of {results.frames}", "thickness %", "roughness %"]
    note = (
        "Mean over all clips attacked / over those that are fooled. Frames: of which any pixel "
        "differs. Thickness: mean size of the change; roughness: of its change from frame to frame."
    )
    return SmallTable(head, rows, note)


def frame_table(results: Results) -> SmallTable:
    """Give accuracy where at most k frames of a clip may be changed; no row where none chooses."""
    limits = _some(results.frames)
    rows = []
    for members in results.rows("attack").values():
        one = strongest(members)
        if results.chooses_frames(one):
            found = results.accuracy_by_frames(one.name, one.strength.value)
            rows.append([one.name, _at(one), *(f"{100 * found[k - 1].value:.1f}" for k in limits)])
    return SmallTable(
        ["accuracy by frames changed", "eps", *(f"at most {k}" for k in limits)], rows
    )


def distance_table(results: Results) -> SmallTable:
    """Give the budget that fools half of the clips, by attack and in the worst case."""
    known = distances(results)
    exact = any(one.found is not None for one in known)
    rows = []
    for one in known:
        between = "-" if one.interpolated is None else f"{one.interpolated:.3g}"
        found = ["-" if one.found is None else str(one.found)] if exact else []
        usual = one.axis.unit == "1/255"
        name = one.name if usual else f"{one.name} ({one.axis.unit})"
        rows.append([name, str(one), between, *found])
    does = "fools half" if results.target is None else "reaches half"
    head = [f"budget that {does}", "eps", "interpolated", *["nearest found"] * exact]
    reached = "fools it" if results.target is None else "makes it look like its target"
    note = (
        f"Of {int(results.clean.sum())} clips that were right, each counted from the smallest "
        f"budget on that {reached}; eps in 1/255."
    )
    if exact:
        note += (
            " Nearest found: median of the distances that the attack reports, with the 95% "
            "interval of resampled videos."
        )
    return SmallTable(head, rows, note)


def _some(count: int) -> list[int]:
    """Give all numbers from 1 to a small count; of a larger one 1, 2, 4, ... and the count."""
    if count <= 8:
        return list(range(1, count + 1))
    return sorted({*(2**power for power in range(count.bit_length())), count})


def _at(one: ConditionResult) -> str:
    """Give the strength of a result, with its unit where that is not the usual one."""
    usual = one.strength.axis.unit == "1/255"
    return f"{one.strength.printed:.3g}" + ("" if usual else f" ({one.strength.axis.unit})")
