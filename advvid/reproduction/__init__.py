"""The tables of Kinfu and Vidal 2022, trained and evaluated again at a size of one's choice."""

from advvid.reproduction.comparison import comparison_figure, comparison_markdown
from advvid.reproduction.engine import reproduce
from advvid.reproduction.row_run import RowResult, RowRun, finished_row
from advvid.reproduction.rows import COLUMNS, ROWS, TABLES, TableRow, read_rows
from advvid.reproduction.scales import SCALES, Scale, read_scale

__all__ = [
    "COLUMNS",
    "ROWS",
    "SCALES",
    "TABLES",
    "RowResult",
    "RowRun",
    "Scale",
    "TableRow",
    "comparison_figure",
    "comparison_markdown",
    "finished_row",
    "read_rows",
    "read_scale",
    "reproduce",
]
