"""Results as Markdown."""

from collections.abc import Sequence

from advvid.escaping import for_markdown
from advvid.evaluation.result import Results
from advvid.evaluation.views import about
from advvid.evaluation.views.small_tables import SmallTable, small_tables
from advvid.evaluation.views.tables import (
    Cell,
    Table,
    legend,
    tables,
)
from advvid.methods.arguments import checked


@checked
def report(results: Results) -> str:
    """Give the page that table.md is: warnings, what was evaluated, alarms, tables."""
    lines = [f"**WARNING** {for_markdown(one)}" for one in about.warnings(results)]
    lines += [
        f"**ALARM {for_markdown(one.name)}** {for_markdown(one.message)}" for one in results.alarms
    ]
    known = [[name, for_markdown(value)] for name, value in about.facts(results).items()]
    targeted = "targeted " * (results.target is not None)
    heading = "Accuracy" + (f" under {targeted}{' and '.join(results.kinds)}" * bool(results.kinds))
    parts = [
        f"# {heading}",
        *lines,
        _joined(["evaluated", ""], known, numbers=False),
        *([f"{clear[0].upper()}{clear[1:]}."] if (clear := about.all_clear(results)) else []),
        "\n".join(legend(results)),
        markdown(results),
        *map(_small, small_tables(results)),
    ]
    return "\n\n".join(parts)


def markdown(results: Results) -> str:
    """Give a table for each kind of conditions, or one line where there are none.

    Rows are conditions, columns strengths, cells accuracies in % with their 95% intervals. A
    condition with a strength of its own has it in a column of its own. Time and calls are those of
    the largest strength; calls are per clip.
    """
    return "\n\n".join(map(_table, tables(results)))


def _small(table: SmallTable) -> str:
    lines = [list(map(for_markdown, row[:1])) + list(row[1:]) for row in table.rows]
    return "\n\n".join(filter(None, (_joined(table.head, lines), table.note)))


def _table(table: Table) -> str:
    lines = [
        [
            for_markdown(row.name),
            *map(_cells, row.cells),
            table.sample,
            *row.costs[: len(table.costs)],
        ]
        for row in table.rows
    ]
    return _joined([table.head, *table.strengths, "n", *table.costs], lines)


def _cells(cells: Sequence[Cell]) -> str:
    return "; ".join(f"{one}{f' at {one.at}' * bool(one.at)}" for one in cells)


def _joined(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """Spell a table; all columns but the first hold numbers, or none does."""
    rest = "---:" if numbers else "---"
    lines = [head, ["---", *[rest] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
