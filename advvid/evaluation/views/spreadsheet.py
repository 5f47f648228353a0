"""Records as CSV that a spreadsheet can open safely."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from advvid.escaping import for_csv


def spelled_csv(
    records: Sequence[Mapping[str, Any]], formats: Mapping[str, str] | None = None
) -> str:
    """Give records as lines of CSV; what a spreadsheet would take for a formula is a text.

    Args:
        records: at least one; all have the same keys.
        formats: of the numbers of some columns, such as ".3f".
    """
    formats = formats or {}
    text = io.StringIO()
    names = {name: for_csv(name) for name in records[0]}
    writer = csv.DictWriter(text, names.values(), lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow(
            {names[name]: _cell(value, formats.get(name, "")) for name, value in record.items()}
        )
    return text.getvalue()


def _cell(value: Any, how: str) -> Any:
    """Spell a value."""
    if isinstance(value, str):
        return for_csv(value)
    return value if value is None or not how else format(value, how)
