"""The tables of Kinfu and Vidal 2022, trained and evaluated again at a size of one's choice."""

from advvid.reproduction.comparison import comparison_figure, comparison_markdown
from advvid.reproduction.row_run import RowResult, evaluate_row, finished_row, train_row
from advvid.reproduction.rows import COLUMNS, ROWS, TABLES, TableRow
from advvid.reproduction.scales import SCALES, Scale

__all__ = [
    "COLUMNS",
    "ROWS",
    "SCALES",
    "TABLES",
    "RowResult",
    "Scale",
    "TableRow",
    "comparison_figure",
    "comparison_markdown",
    "evaluate_row",
    "finished_row",
    "train_row",
]
