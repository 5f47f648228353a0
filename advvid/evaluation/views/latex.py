"""Results as tables in LaTeX."""

from collections.abc import Sequence

from advvid.escaping import for_latex, visible
from advvid.evaluation.result import Results
from advvid.evaluation.views import about
from advvid.evaluation.views.tables import Cell, Row, Table, legend, tables


def latex(results: Results) -> str:
    r"""Give a tabular for each kind of conditions, which needs \usepackage{booktabs}.

    Comments in front say what was evaluated and what a reader must know before the numbers.
    """
    known = about.facts(results).items()
    notes = [
        r"needs \usepackage{booktabs}",
        *(f"WARNING {one}" for one in about.warnings(results)),
        *(f"ALARM {one.name}: {one.message}" for one in results.alarms),
        *(f"{name}: {value}" for name, value in known),
        *legend(results, costs=False),
    ]
    head = "\n".join(f"% {visible(note)}" for note in notes)
    return "\n\n".join([head, *map(_table, tables(results))]) + "\n"


def _table(table: Table) -> str:
    columns = [table.head, *table.strengths]
    usual = [row for row in table.rows if not row.worst]
    worst = [row for row in table.rows if row.worst]
    parts = [
        rf"\begin{{tabular}}{{l{'r' * len(table.strengths)}}}",
        r"\toprule",
        _line([for_latex(column) for column in columns]),
        r"\midrule",
        *map(_row, usual),
        *([r"\midrule"] if usual and worst else []),
        *map(_row, worst),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(parts)


def _row(row: Row) -> str:
    return _line([for_latex(row.name), *map(_cells, row.cells)])


def _cells(cells: Sequence[Cell]) -> str:
    return "; ".join(f"{one}{f' at {for_latex(one.at)}' * bool(one.at)}" for one in cells)


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
