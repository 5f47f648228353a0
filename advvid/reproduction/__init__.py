"""The tables of Kinfu and Vidal 2022, trained and evaluated again at a size of one's choice."""

from advvid.reproduction.comparison import comparison_figure, comparison_markdown
from advvid.reproduction.engine import Reproduction, reproduce
from advvid.reproduction.row_run import RowResult, evaluate_row, finished_row, train_row
from advvid.reproduction.rows import COLUMNS, ROWS, TABLES, TableRow, read_rows
from advvid.reproduction.scales import SCALES, Scale, read_scale

__all__ = [
    "COLUMNS",
    "ROWS",
    "SCALES",
    "TABLES",
    "Reproduction",
    "RowResult",
    "Scale",
    "TableRow",
    "comparison_figure",
    "comparison_markdown",
    "evaluate_row",
    "finished_row",
    "read_rows",
    "read_scale",
    "reproduce",
    "train_row",
]
