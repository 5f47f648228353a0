"""Results as JSON and CSV."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from advvid.evaluation.condition import Strength
from advvid.evaluation.result import ConditionResult, Flags, Results, accuracy_of
from advvid.figures.words import WORST

_SCORES = ("n", "correct", "accuracy", "low", "high", "accuracy_8bit", "accuracy_h264")
_COSTS = ("attacked", "seconds", "gradients_per_clip", "forwards_per_clip")
_PLACE = ("condition", "kind", "axis", "unit", "strength")


def as_json(results: Results) -> dict[str, Any]:
    """Give everything, clip by clip, as JSON can hold it; strengths in the unit of their axis."""
    return {
        "unit": "1/255",
        "clips": len(results.clean),
        "eot": results.eot,
        "eps": [one.printed for one in results.columns_of("attack")],
        "attacks": list(results.attacks),
        "kinds": {kind: _kind(results, kind) for kind in results.kinds},
        "positions": results.positions.tolist(),
        "labels": results.labels.tolist(),
        "clean": _scored(results.clean, results.clean_8bit, results.clean_h264),
        "results": [_result(one) for one in results.results],
        "worst": [
            {**_place(WORST, column), **_scored(*_worst(results, column))}
            for column in results.columns
            if column.axis.clean is not None
        ],
        "alarms": [asdict(alarm) for alarm in results.alarms],
        "probes": dict(results.probes),
    }


def as_csv(results: Results) -> str:
    """Give a line for each condition and strength, first for none, last for the worst cases.

    Strengths are in the unit of their axis: Linf budgets in 1/255.
    """
    none = dict.fromkeys(results.kinds, "none")
    clean = {results.axis_of(kind).name: results.axis_of(kind).clean for kind in results.kinds}
    rows = [
        {
            **none,
            **clean,
            "group": "none",
            "condition": "none",
            **_line(results.clean, results.clean_8bit, results.clean_h264),
            **dict.fromkeys(_COSTS, 0),
        }
    ]
    for one in results.results:
        scores = _line(one.correct, one.correct_8bit, one.correct_h264)
        costs = {
            "attacked": one.applied,
            "seconds": f"{one.seconds:.3f}",
            "gradients_per_clip": f"{one.gradients_per_clip:.2f}",
            "forwards_per_clip": f"{one.forwards_per_clip:.2f}",
        }
        rows.append({**_place(one.name, one.strength), **_facts(one), **scores, **costs})
    for column in results.columns:
        if column.axis.clean is not None:
            scores = _line(*_worst(results, column))
            rows.append({**_place(WORST, column), "group": WORST, **scores})
    facts = dict.fromkeys(key for one in results.results for key in _facts(one))
    header = [*none, *facts, *clean, *_SCORES, *_COSTS, *_PLACE]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(["group", *header])), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _kind(results: Results, kind: str) -> dict[str, Any]:
    """Describe a kind of conditions."""
    axis = results.axis_of(kind)
    return {
        "axis": axis.name,
        "unit": axis.unit,
        "clean": axis.clean,
        "names": list(results.names_of(kind)),
        "columns": [one.printed for one in results.columns_of(kind)],
    }


def _place(name: str, strength: Strength) -> dict[str, Any]:
    """Say which condition it is: in words of its own ("attack", "eps"), and in those of all."""
    axis = strength.axis
    return {
        axis.kind: name,
        axis.name: strength.printed,
        "condition": name,
        "kind": axis.kind,
        "axis": axis.name,
        "unit": axis.unit,
        "strength": strength.printed,
    }


def _facts(one: ConditionResult) -> dict[str, Any]:
    return {"group": one.group, **one.facts}


def _result(one: ConditionResult) -> dict[str, Any]:
    return {
        **_place(one.name, one.strength),
        **_facts(one),
        "attacked": one.applied,
        "seconds": one.seconds,
        "gradients_per_clip": one.gradients_per_clip,
        "forwards_per_clip": one.forwards_per_clip,
        "loss": _numbers(one.loss),
        **{f"clip_{name}": _numbers(values) for name, values in one.report.items()},
        **_scored(one.correct, one.correct_8bit, one.correct_h264),
    }


def _worst(results: Results, column: Strength) -> tuple[Flags, Flags, Flags | None]:
    return (
        results.worst(column),
        results.worst(column, scored="correct_8bit"),
        None if results.clean_h264 is None else results.worst(column, scored="correct_h264"),
    )


def _scored(correct: Flags, correct_8bit: Flags, correct_h264: Flags | None) -> dict[str, Any]:
    """Accuracy, interval and flags of one set of answers."""
    accuracy = accuracy_of(correct)
    found: dict[str, Any] = {
        "accuracy": accuracy.value,
        "interval": list(accuracy.interval),
        "accuracy_8bit": accuracy_of(correct_8bit).value,
        "correct": correct.tolist(),
        "correct_8bit": correct_8bit.tolist(),
    }
    if correct_h264 is not None:
        found["accuracy_h264"] = accuracy_of(correct_h264).value
        found["correct_h264"] = correct_h264.tolist()
    return found


def _line(correct: Flags, correct_8bit: Flags, correct_h264: Flags | None) -> Mapping[str, Any]:
    """The same, as columns of CSV."""
    accuracy = accuracy_of(correct)
    low, high = accuracy.interval
    h264 = "" if correct_h264 is None else f"{correct_h264.mean():.6f}"
    numbers = (accuracy.value, low, high, correct_8bit.mean())
    values = (accuracy.count, accuracy.correct, *(f"{number:.6f}" for number in numbers), h264)
    return dict(zip(_SCORES, values, strict=True))


def _numbers(values: np.ndarray) -> list[float | None]:
    """JSON has no NaN."""
    return [None if np.isnan(v) else round(float(v), 6) for v in values]
