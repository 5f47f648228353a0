"""Our numbers beside those of the paper."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from advvid.evaluation.accuracy import Accuracy
from advvid.reproduction.row_run import RowResult, shares
from advvid.reproduction.rows import COLUMNS, ROWS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def comparison_markdown(results: Mapping[str, RowResult], keys: Sequence[str]) -> str:
    """Spell a table: top-1 in %, ours at the optimal step and under AutoAttack, and the paper's.

    Below it stand the alarms, so that no copy of the table is without them.

    Args:
        results: of the rows that are finished, by their keys.
        keys: rows in order; those without a result are left open.
    """
    head = ["model", "", *(f"eps {eps}" for eps in COLUMNS)]
    lines = [head, ["---", "---", *["---:"] * len(COLUMNS)]]
    for key in keys:
        row, result = ROWS[key], results.get(key)
        if result is None:
            lines.append([row.name, "not finished", *[""] * len(COLUMNS)])
        else:
            lines.append([row.name, "PGD", *_cells(result.pgd, result.clips)])
            lines.append(["", "AutoAttack", *_cells(result.auto, result.auto_clips)])
        lines.append(["", "paper (UCF101)", *(f"{value:g}" for value in row.published)])
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    shown = {key: results[key] for key in keys if key in results}
    some = next(iter(shown.values()), None)
    if some is None:
        return table
    alarms = "".join(
        f"\n\nALARM {ROWS[key].name}: {alarm}" for key, row in shown.items() for alarm in row.alarms
    )
    return (
        f"{table}\n\nTop-1 in %. PGD at the optimal step on {some.clips} test clips; AutoAttack "
        f"(and PGD, the worst of each clip) on {some.auto_clips}; 95% Wilson intervals in brackets."
        f"{alarms}"
    )


def comparison_figure(results: Mapping[str, RowResult], keys: Sequence[str]) -> "Figure":
    """Draw accuracy against the budget: ours on the left, the paper's on the right.

    Args:
        results: of the rows that are finished, by their keys.
        keys: rows in order.

    Returns:
        A figure that belongs to no window and to no global state of matplotlib.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    ours, paper = figure.subplots(1, 2, sharey=True)
    markers = "osD^vPX*h"
    colors = (
        "#000000",
        "#0072b2",
        "#56b4e9",
        "#009e73",
        "#e69f00",
        "#d55e00",
        "#cc79a7",
        "#8a6d00",
        "#7f3c8d",
    )
    for number, key in enumerate(ROWS):
        if key not in keys or key not in results:
            continue
        style = {"marker": markers[number], "color": colors[number], "markersize": 5}
        result = results[key]
        ours.plot(COLUMNS, shares(result.pgd, result.clips), label=ROWS[key].name, **style)
        paper.plot(COLUMNS, ROWS[key].published, **style)
    for axes, title in ((ours, "measured here"), (paper, "Kinfu and Vidal 2022, UCF101")):
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("budget eps in 1/255 (PGD at the optimal step)")
        axes.set_xticks(COLUMNS)
        axes.grid(alpha=0.3)
        axes.set_ylim(-2, 102)
    ours.set_ylabel("top-1 accuracy in %")
    figure.legend(loc="outside right center", fontsize=8)
    return figure


def _cells(correct: Sequence[int], count: int) -> list[str]:
    return [str(Accuracy(n, count)) for n in correct]
