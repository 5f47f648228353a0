"""Results as tables that fit a terminal."""

import re
from collections.abc import Callable, Iterator, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from advvid.escaping import visible
from advvid.evaluation.result import Results
from advvid.evaluation.views import about
from advvid.evaluation.views.small_tables import SmallTable, small_tables
from advvid.evaluation.views.tables import (
    Cell,
    Row,
    Table,
    legend,
    tables,
)
from advvid.methods.arguments import checked
from advvid.runs.terminal import Terminal

_GAP = 2
_SHORTEST_NAME = 24
"""Names are folded rather than shown shorter than this."""

Spelling = Callable[[Cell], list[str]]


@checked
def show(results: Results, terminal: Terminal) -> None:
    """Print warnings, what was evaluated, tables no wider than the terminal, and alarms."""
    for warning in about.warnings(results):
        _print(terminal, f"WARNING {warning}", style="bold yellow")
    known = RichTable(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
    known.add_column()
    known.add_column(overflow="fold")
    for name, value in about.facts(results).items():
        known.add_row(Text(name), Text(visible(value)))
    terminal.print(known)
    terminal.print()
    for sentence in legend(results):
        terminal.print(sentence)
    for table in tables(results):
        for part in [*_accuracy(table, terminal.width), *_own(table), *_costs(table)]:
            terminal.print()
            terminal.print(part)
    for small in small_tables(results):
        for part in _small(small, terminal.width):
            terminal.print()
            terminal.print(part)
        if small.note:
            terminal.print(small.note)
    terminal.print()
    for alarm in results.alarms:
        _print(terminal, f"ALARM {alarm.name}: {alarm.message}", style="bold red")
    if clear := about.all_clear(results):
        terminal.print(clear)


def _print(terminal: Terminal, text: str, style: str) -> None:
    """Print a line; a terminal gets it folded between words, a pipe whole."""
    terminal.print(Text(visible(text), style=style), soft_wrap=not terminal.is_terminal)


def _accuracy(table: Table, width: int) -> Iterator[RichTable]:
    """Give a table of accuracy, with as much detail as there is room for, in parts if need be."""
    rows = [row for row in table.rows if any(map(_in_column, row.cells[1:]))] or table.rows
    columns = [
        n for n in range(len(table.strengths)) if any(_in_column(row.cells[n]) for row in rows)
    ]
    longest = max(len(visible(row.name)) for row in rows)
    least = max(min(longest, _SHORTEST_NAME), len(table.head))
    for spelling in (_in_one_line, _in_two_lines, _in_whole_percents):
        needed = [_GAP + _width(table, rows, n, spelling) for n in columns]
        if least + sum(needed) <= width:
            yield _part(table, rows, columns, spelling)
            return
    several = max(1, (width - least) // max(needed))
    for first in range(0, len(columns), several):
        yield _part(table, rows, columns[first : first + several], _in_whole_percents)


def _in_column(cells: Sequence[Cell]) -> bool:
    """Tell whether a cell has something that is at the strength of its column."""
    return any(not cell.at for cell in cells)


def _in_one_line(cell: Cell) -> list[str]:
    return [str(cell)]


def _in_two_lines(cell: Cell) -> list[str]:
    return _over(cell, "[{:.1f}, {:.1f}]")


def _in_whole_percents(cell: Cell) -> list[str]:
    return _over(cell, "[{:.0f}, {:.0f}]")


def _over(cell: Cell, how: str) -> list[str]:
    """Give an accuracy over its interval."""
    ends = cell.accuracy.interval
    return [
        cell.value,
        *([] if ends is None else [how.format(*(100 * end for end in ends))]),
    ]


def _width(table: Table, rows: Sequence[Row], n: int, spelling: Spelling) -> int:
    lines = [line for row in rows for cell in row.cells[n] for line in spelling(cell)]
    return max(len(table.strengths[n]), *map(len, lines))


def _part(
    table: Table, rows: Sequence[Row], columns: Sequence[int], spelling: Spelling
) -> RichTable:
    """Draw some columns of a table."""
    drawn = _drawn([table.head, *(table.strengths[n] for n in columns)])
    for before, row in zip([None, *rows], rows, strict=False):
        if row.worst and before is not None and not before.worst:
            drawn.add_section()
        cells = ("\n".join(line for c in row.cells[n] for line in spelling(c)) for n in columns)
        drawn.add_row(_Name(row.name), *cells, style="bold" if row.worst else "")
    return drawn


def _own(table: Table) -> Iterator[RichTable]:
    """Draw the accuracies at strengths that are a row's own, where there are some."""
    drawn = _drawn([table.head, table.strengths[-1], "accuracy"])
    for row in table.rows:
        for cell in row.cells[-1]:
            if cell.at:
                drawn.add_row(_Name(row.name), cell.at, str(cell))
    if drawn.row_count:
        yield drawn


def _costs(table: Table) -> Iterator[RichTable]:
    """Draw what the rows of a table took, where there is something to tell."""
    if table.costs:
        drawn = _drawn([table.kind, *table.costs])
        for row in table.rows:
            if any(row.costs):
                drawn.add_row(_Name(row.name), *row.costs)
        yield drawn


def _small(table: SmallTable, width: int) -> Iterator[RichTable]:
    """Draw a table, in parts if need be."""
    names = max(len(table.head[0]), min(_SHORTEST_NAME, *(len(row[0]) for row in table.rows)))
    columns: list[int] = []
    room = width - names
    for n, head in enumerate(table.head[1:], 1):
        needed = _GAP + max(len(head), *(len(row[n]) for row in table.rows))
        if columns and needed > room:
            yield _columns(table, columns)
            columns, room = [], width - names
        columns.append(n)
        room -= needed
    yield _columns(table, columns)


def _columns(table: SmallTable, columns: Sequence[int]) -> RichTable:
    drawn = _drawn([table.head[n] for n in (0, *columns)])
    for row in table.rows:
        drawn.add_row(_Name(row[0]), *(row[n] for n in columns))
    return drawn


def _drawn(heads: Sequence[str]) -> RichTable:
    """Make a table whose first column is names."""
    # A space that rich draws between columns, and one of padding.
    table = RichTable(box=box.SIMPLE, pad_edge=False, padding=(0, 0, 0, _GAP - 1), show_edge=False)
    for n, head in enumerate(heads):
        table.add_column(head, justify="right" if n else "left", no_wrap=n > 0)
    return table


class _Name:
    """A name that is folded behind commas, colons and slashes, not inside words that have room."""

    def __init__(self, name: str) -> None:
        self.pieces = re.findall(r"[^,:/ ]*[,:/ ]|[^,:/ ]+", visible(name))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = min(_SHORTEST_NAME, max(map(len, self.pieces)))
        return Measurement(longest, max(longest, sum(map(len, self.pieces))))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = [""]
        for piece in self.pieces:
            if lines[-1] and len(lines[-1]) + len(piece) > options.max_width:
                lines.append("")
            lines[-1] += piece
        yield Text("\n".join(lines), overflow="fold")
