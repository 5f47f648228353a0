"""From the records of all clips to an evaluation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from advvid.attacks.spec import AttackSpec
from advvid.errors import InputError
from advvid.evaluation.cells import Cell
from advvid.evaluation.records import Record, by_position, totals
from advvid.evaluation.result import AttackResult, Evaluation, Flags
from advvid.evaluation.runner import CLEAN, PROBES

_FLAGS = ("correct", "correct_8bit", "correct_h264")


def collect(
    records: Sequence[Record], cells: Sequence[Cell], *, eps: tuple[float, ...], eot: int
) -> Evaluation:
    """Put records in the order of the clips.

    Args:
        records: of all processes.
        cells: attacks and budgets.
        eps: budgets of the evaluation.
        eot: passes averaged over.

    Raises:
        InputError: when no clip could be read.
    """
    clean = by_position(records, CLEAN)
    if not clean:
        raise InputError("no clip could be read: repair or replace the videos")
    places = sorted(clean)
    flags = _flags(clean, places)
    return Evaluation(
        eps=eps,
        positions=np.array(places, dtype=np.int64),
        labels=np.array([clean[place]["label"] for place in places], dtype=np.int64),
        clean=flags["correct"],
        clean_8bit=flags["correct_8bit"],
        clean_h264=flags.get("correct_h264"),
        results=tuple(_result(records, cell, places) for cell in cells),
        probes=next((record.content for record in records if record.cell == PROBES), {}),
        eot=eot,
        predicted=np.array([clean[place]["predicted"] for place in places], dtype=np.int64),
    )


def _result(records: Sequence[Record], cell: Cell, places: list[int]) -> AttackResult:
    rows = by_position(records, cell.key)
    sums = totals(records, cell.key)
    flags = _flags(rows, places)
    none = np.zeros(len(places), dtype=bool)
    names = {name for row in rows.values() for name in row if name.startswith("report_")}
    spec = cell.row.spec
    return AttackResult(
        attack=spec.text,
        group=cell.row.group,
        eps=cell.eps,
        norm=spec.entry.norm,
        access=spec.entry.access,
        bound=spec.entry.bound,
        correct=flags.get("correct", none),
        correct_8bit=flags.get("correct_8bit", none),
        correct_h264=flags.get("correct_h264"),
        loss=_numbers(rows, places, "loss"),
        attacked=len(rows),
        seconds=sums.get("seconds", 0.0),
        forwards=sums.get("forwards", 0.0),
        gradients=sums.get("gradients", 0.0),
        report={
            name.removeprefix("report_"): _numbers(rows, places, name) for name in sorted(names)
        },
        step=_step(spec),
    )


def _step(spec: AttackSpec) -> float | None:
    """Give the step size of PGD that a text fixes as a number."""
    step = spec.settings.get("eps_step") if spec.entry.takes_law else None
    return step if isinstance(step, float) else None


def _flags(rows: dict[int, dict[str, Any]], places: list[int]) -> dict[str, Flags]:
    """Give 0/1 columns as arrays (N,); False for clips without a row."""
    found = {name for row in rows.values() for name in row}
    return {
        name: np.array([bool(rows.get(place, {}).get(name, 0)) for place in places])
        for name in _FLAGS
        if name in found
    }


def _numbers(rows: dict[int, dict[str, Any]], places: list[int], name: str) -> np.ndarray:
    """Give a column as an array (N,); NaN for clips without a row."""
    return np.array([float(rows.get(place, {}).get(name, np.nan)) for place in places])
