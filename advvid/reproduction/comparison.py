"""Our numbers beside those of the paper."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from advvid.escaping import for_markdown
from advvid.evaluation.accuracy import Accuracy
from advvid.reproduction.row_run import RowResult
from advvid.reproduction.rows import COLUMNS, ROWS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def comparison_markdown(
    results: Mapping[str, RowResult], keys: Sequence[str], *, subject: str = ""
) -> str:
    """Spell a table: top-1 in %, ours at the optimal step and under AutoAttack, and the paper's.

    Below it stand the alarms, so that no copy of the table is without them.

    Args:
        results: of the rows that are finished, by their keys.
        keys: rows in order; those without a result are left open.
        subject: model and data.
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
    of = f" of {for_markdown(subject)}" if subject else ""
    return (
        f"{table}\n\nTop-1 in %{of}. PGD at the optimal step on {some.clips} test clips; "
        f"AutoAttack (and PGD, the worst of each clip) on {some.auto_clips}; 95% Wilson "
        "intervals in brackets."
        f"{alarms}"
    )


def comparison_figure(
    results: Mapping[str, RowResult], keys: Sequence[str], *, subject: str = ""
) -> "Figure":
    """Draw accuracy against the budget: ours on the left, the paper's on the right.

    Args:
        results: of the rows that are finished, by their keys.
        keys: rows that are shown.
        subject: model and data.
    """
    from advvid.figures.paper_comparison import ComparedModel, paper_comparison

    counts = sorted({results[key].clips for key in keys if key in results})
    clips = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1])))) if counts else ""
    looks = {key: number for number, key in enumerate(key for key in ROWS if key != "benign")}
    return paper_comparison(
        [
            ComparedModel(
                row.name,
                measured=[100 * (n / results[key].clips) for n in results[key].pgd],
                published=row.published,
                look=looks.get(key),
            )
            for key, row in ROWS.items()
            if key in keys and key in results
        ],
        COLUMNS,
        paper="Kinfu and Vidal 2022, UCF101",
        attack="PGD at the optimal step",
        subject=", ".join(filter(None, (subject, f"n = {clips} test clips" if clips else ""))),
    )


def _cells(correct: Sequence[int], count: int) -> list[str]:
    return [str(Accuracy(n, count)) for n in correct]
