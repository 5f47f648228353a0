"""The tables of settings in docs/, made from the code.

A table is between two comments:

    <!-- settings: package.module:Class -->
    <!-- settings: package.module:Class beyond package.module:Other -->
    <!-- end -->

The second leaves out what is the same in another class. `python -m tests.docs.settings_tables`
writes them anew.
"""

import importlib
import re
from typing import Any

from advvid.methods.listing import SettingRow, setting_rows
from advvid.methods.setting import settings_of
from tests.docs.documents import DOCUMENTS

TABLE = re.compile(r"<!-- settings: (\S+)(?: beyond (\S+))? -->\n(.*?)<!-- end -->\n", re.DOTALL)


def filled(text: str) -> str:
    """Give a document with all of its tables as they have to be."""
    return TABLE.sub(_replace, text)


def named(spec: str) -> Any:
    """Import "package.module:Name"."""
    module, _, name = spec.partition(":")
    return getattr(importlib.import_module(module), name)


def table(spec: str, beyond: str | None) -> str:
    """Make the table of a class."""
    known = () if beyond is None else setting_rows(settings_of(named(beyond)))
    rows = [row for row in setting_rows(settings_of(named(spec))) if row not in known]
    if not rows:
        return "No others.\n"
    lines = ["| setting | value | default | what it is |", "|---|---|---|---|", *map(_line, rows)]
    return "\n".join(lines) + "\n"


def _line(row: SettingRow) -> str:
    value = ", ".join(filter(None, (row.type, row.range)))
    value += f" ({row.unit})" if row.unit else ""
    default = f"`{row.default}`" if row.default else ""
    return f"| `{row.name}` | {value} | {default} | {row.help} |".replace("|  |", "| |")


def _replace(found: re.Match[str]) -> str:
    start = found[0][: found[0].index("\n") + 1]
    return f"{start}\n{table(found[1], found[2])}\n<!-- end -->\n"


if __name__ == "__main__":
    for document in DOCUMENTS:
        document.write_text(filled(document.read_text(encoding="utf-8")), encoding="utf-8")
