"""From the records of all clips to an evaluation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from advvid.errors import InputError
from advvid.evaluation.condition import Condition, Strength
from advvid.evaluation.evaluation import Evaluation
from advvid.evaluation.records import Record, by_position, totals
from advvid.evaluation.result import ConditionResult, Flags
from advvid.evaluation.runner import CLEAN

_FLAGS = ("correct", "correct_8bit", "correct_h264")


def collect(
    records: Sequence[Record],
    conditions: Sequence[Condition],
    columns: tuple[Strength, ...],
    *,
    probes: Mapping[str, Any],
    eot: int,
) -> Evaluation:
    """Put records in the order of the clips.

    Args:
        records: of all processes.
        conditions: of the evaluation.
        columns: strengths that make columns of tables.
        probes: of the model.
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
        columns=columns,
        positions=np.array(places, dtype=np.int64),
        labels=np.array([clean[place]["label"] for place in places], dtype=np.int64),
        clean=flags["correct"],
        clean_8bit=flags["correct_8bit"],
        clean_h264=flags.get("correct_h264"),
        results=tuple(_result(records, one, places, "correct_h264" in flags) for one in conditions),
        probes=probes,
        eot=eot,
        predicted=np.array([clean[place]["predicted"] for place in places], dtype=np.int64),
    )


def _result(
    records: Sequence[Record], condition: Condition, places: list[int], with_h264: bool
) -> ConditionResult:
    rows = by_position(records, condition.key)
    sums = totals(records, condition.key)
    flags = _flags(rows, places)
    none = np.zeros(len(places), dtype=bool)
    names = {name for row in rows.values() for name in row if name.startswith("report_")}
    return ConditionResult(
        name=condition.name,
        group=condition.group,
        strength=condition.strength,
        correct=flags.get("correct", none),
        correct_8bit=flags.get("correct_8bit", none),
        correct_h264=flags.get("correct_h264", none if with_h264 else None),
        loss=_numbers(rows, places, "loss"),
        applied=len(rows),
        seconds=sums.get("seconds", 0.0),
        forwards=sums.get("forwards", 0.0),
        gradients=sums.get("gradients", 0.0),
        report={
            name.removeprefix("report_"): _numbers(rows, places, name) for name in sorted(names)
        },
        facts=condition.facts,
    )


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
