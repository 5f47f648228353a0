"""The models of the paper's tables: how each is trained, and what was published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.defenses import EQUAL_TO_BUDGET, Schedule, half
from advvid.errors import InputError, shown
from advvid.methods.suggestion import did_you_mean

COLUMNS = (0, 4, 8, 12, 15)
"""Budgets in 1/255 that every model is attacked with."""


@dataclass(frozen=True)
class TableRow:
    """One model.

    Args:
        name: as the paper writes it.
        published: top-1 in % on UCF101 at the budgets of `COLUMNS`.
        defense: name in `advvid.defenses.DEFENSES`, or None for training on clean clips.
        options: of the defense, without its step rule.
        rule: "optimal", "half" or "eps".
    """

    name: str
    published: tuple[float, ...]
    defense: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    rule: str = "eps"

    def step_rule(self, law: StepSizeLaw = PAPER_LAW) -> StepSizeLaw:
        """Give the step size of the training attack, for the law of the optimal step."""
        return {"optimal": law, "half": half(law), "eps": EQUAL_TO_BUDGET}[self.rule]


def _at(budget: float) -> dict[str, Any]:
    return {"eps": Schedule("constant", (budget / 255,))}


def _cat(direction: str) -> dict[str, Any]:
    return {"eps": Schedule("constant", (12 / 255,)), "direction": direction}


ROWS: dict[str, TableRow] = {
    "benign": TableRow("benign", (92.3, 2.65, 2.38, 2.11, 1.89)),
    "at-8-opt": TableRow("AT(8, opt)", (28.8, 20.5, 13.9, 10.6, 9.39), "at", _at(8), "optimal"),
    "at-8-half": TableRow("AT(8, opt/2)", (72.9, 40.0, 19.5, 11.0, 8.22), "at", _at(8), "half"),
    "at-8-eps": TableRow("AT(8, eps)", (64.1, 39.9, 23.3, 13.6, 10.6), "at", _at(8)),
    "at-4-eps": TableRow("AT(4, eps)", (70.1, 40.5, 19.9, 12.8, 10.4), "at", _at(4)),
    "at-12-eps": TableRow("AT(12, eps)", (34.3, 24.8, 17.8, 13.5, 12.1), "at", _at(12)),
    "aat": TableRow("AAT(auto, eps)", (54.5, 38.3, 25.7, 18.7, 16.0), "aat"),
    "cat-down": TableRow("CAT(12 to 0, eps)", (47.8, 24.4, 11.5, 6.61, 5.40), "cat", _cat("down")),
    "cat-up": TableRow("CAT(0 to 12, eps)", (61.1, 42.2, 29.2, 21.0, 17.2), "cat", _cat("up")),
}
"""All rows by their keys, which are the names of their folders."""

TABLES: dict[str, tuple[str, ...]] = {
    "table1": ("benign", "at-8-opt", "at-8-half", "at-8-eps", "at-4-eps", "at-12-eps"),
    "table2": ("benign", "at-8-eps", "aat", "cat-down", "cat-up"),
}
"""Rows of the tables of Kinfu and Vidal 2022."""


def read_rows(tables: Sequence[str], rows: str | None = None) -> list[str]:
    """Give the keys of the rows of some tables, each once, or of some rows only.

    Args:
        tables: keys of `TABLES`.
        rows: keys of `ROWS` with commas between them; None takes all of the tables.

    Raises:
        InputError: for an unknown table or row, with the nearest.
    """
    for table in tables:
        if table not in TABLES:
            raise InputError(f"unknown table {shown(table)}: there are {', '.join(TABLES)}")
    keys = list(dict.fromkeys(key for table in tables for key in TABLES[table]))
    if rows is None:
        return keys
    wanted = [key.strip() for key in rows.split(",")]
    for key in wanted:
        if key not in keys:
            hint = did_you_mean(key, keys) or f"there are {', '.join(keys)}"
            raise InputError(f"{', '.join(tables)} has no row {shown(key)}; {hint}")
    return wanted
