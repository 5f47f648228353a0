"""Results as JSON, and the same rows as plain dicts and CSV."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from advvid.evaluation.condition import Strength
from advvid.evaluation.condition_result import ConditionResult, Flags, Numbers
from advvid.evaluation.result import Results
from advvid.evaluation.views.distances import Distance, distances
from advvid.evaluation.views.spreadsheet import spelled_csv
from advvid.figures.words import WORST

_SHARES = ("accuracy", "low", "high", "accuracy_8bit", "accuracy_h264")
_SCORES = ("n", "correct", *_SHARES)
_COSTS = {
    "attacked": "d",
    "seconds": ".3f",
    "gradients_per_clip": ".2f",
    "forwards_per_clip": ".2f",
}
_CHANGES = {"frames": "frames_changed", "thickness": "thickness", "roughness": "roughness"}
_CHANGED = [f"{name}{of}" for name in _CHANGES.values() for of in ("", "_of_fooled")]
_SUCCEEDED = ("success", "success_low", "success_high", "success_8bit", "success_h264")
_SUCCESS = ("eligible", "reached", *_SUCCEEDED)
_HALF = ("half_above", "half_below", "half_interpolated", "half_found")
_PLACE = ("condition", "kind", "axis", "unit", "strength")


def as_json(results: Results) -> dict[str, Any]:
    """Give everything, clip by clip, as JSON can hold it; strengths in the unit of their axis."""
    kinds = {}
    for kind in results.kinds:
        axis = results.axis_of(kind)
        kinds[kind] = {
            "axis": axis.name,
            "unit": axis.unit,
            "clean": axis.clean,
            "names": list(results.rows(kind)),
            "columns": [one.printed for one in results.columns_of(kind)],
        }
    rows = [
        {
            **_place(one.name, one.strength),
            "group": one.group,
            **one.facts,
            "attacked": one.applied,
            "seconds": one.seconds,
            "gradients_per_clip": one.gradients_per_clip,
            "forwards_per_clip": one.forwards_per_clip,
            "loss": _numbers(one.loss),
            **_changes(results, one),
            # What an attack says of itself stands behind what was measured.
            **{
                f"clip_{name}": _numbers(values)
                for name, values in {**one.report, **one.changes}.items()
            },
            **_scored(results, {scored: getattr(one, scored) for scored in results.scorings}),
            **(_success(results, one.reaches) if one.reached is not None else {}),
        }
        for one in results.results
    ]
    targeted = {one.strength.axis for one in results.results if one.reached is not None}
    worst = [
        {
            **_place(WORST, column),
            **_worst(results, column),
            **(
                _success(results, partial(results.reached, column))
                if column.axis in targeted
                else {}
            ),
        }
        for column in results.columns
        if column.axis.clean is not None
    ]
    return {
        "about": dict(results.about),
        "unit": "1/255",
        "clips": len(results.clean),
        "distinct_clips": results.distinct_clips,
        "videos": results.videos,
        "eot": results.eot,
        "eps": [one.printed for one in results.columns_of("attack")],
        "attacks": list(results.attacks),
        "kinds": kinds,
        "positions": results.positions.tolist(),
        "origins": [{**one._asdict(), "frames": list(one.frames)} for one in results.origins],
        "labels": results.labels.tolist(),
        **_aim(results),
        "clean": _worst(results, None),
        "results": rows,
        "worst": worst,
        "distances": [_distance(one) for one in distances(results)],
        "alarms": [asdict(alarm) for alarm in results.alarms],
        "probes": dict(results.probes),
    }


def as_records(results: Results) -> list[dict[str, Any]]:
    """Give a plain dict for each condition and strength, for `pandas.DataFrame(...)`.

    First for no condition, last for the worst cases; all have the same keys, None where there is
    nothing. Accuracies are shares in [0, 1], strengths in the unit of their axis.
    """
    content = as_json(results)
    none = dict.fromkeys(results.kinds, "none")
    clean = {kind["axis"]: kind["clean"] for kind in content["kinds"].values()}
    nowhere = {**none, **clean, "group": "none", "condition": "none"}
    lines = [{**content["clean"], **nowhere, **dict.fromkeys(_COSTS, 0)}, *content["results"]]
    lines += [{**row, "group": WORST} for row in content["worst"]]
    facts = dict.fromkeys(fact for one in results.results for fact in one.facts)
    half = {(one["condition"], one["unit"]): one for one in content["distances"]}
    success = () if results.target is None else ("target", *_SUCCESS)
    header = ["group", *none, *facts, *clean, *_SCORES, *success, *_HALF, *_COSTS, *_CHANGED]
    found = []
    for line in lines:
        distant = half.get((line["condition"], line.get("unit")), {})
        known = {**distant, **line, **_line(line)}
        found.append({name: known.get(name) for name in dict.fromkeys((*header, *_PLACE))})
    return found


def as_csv(results: Results) -> str:
    """Give `as_records` as lines of CSV; what a spreadsheet would take for a formula is a text."""
    records = as_records(results)
    distant = dict.fromkeys(_HALF, ".4f")
    shares = dict.fromkeys((*_SHARES, *_SUCCEEDED), ".6f")
    how = {**shares, **distant, **_COSTS, **dict.fromkeys(_CHANGED, ".4f")}
    return spelled_csv(records, how)


def _place(name: str, strength: Strength) -> dict[str, Any]:
    """Say which condition it is: in words of its own ("attack", "eps"), and in those of all."""
    axis = strength.axis
    values = (name, axis.kind, axis.name, axis.unit, strength.printed)
    own = {axis.kind: name, axis.name: strength.printed}
    return {**own, **dict(zip(_PLACE, values, strict=True))}


def _distance(one: Distance) -> dict[str, Any]:
    """Say what budget fools half; null is infinite or nothing."""
    low, high = (one.found and one.found.interval) or (None, None)
    median = None if one.found is None else one.found.median
    return {
        "condition": one.name,
        "axis": one.axis.name,
        "unit": one.axis.unit,
        "half_above": one.above,
        "half_below": one.below,
        "half_interpolated": one.interpolated,
        "half_found": _number(median),
        "half_found_low": _number(low),
        "half_found_high": _number(high),
        "nearest": _numbers(one.nearest),
    }


def _changes(results: Results, one: ConditionResult) -> dict[str, Any]:
    """Say how far clips were changed, and what accuracy is where few frames may be."""
    found: dict[str, Any] = {}
    for name, column in _CHANGES.items():
        found[column] = one.change(name)
        found[f"{column}_of_fooled"] = one.change(name, fooled=True)
    if results.chooses_frames(one):
        limited = results.accuracy_by_frames(one.name, one.strength.value)
        found["accuracy_by_frames"] = [accuracy.value for accuracy in limited]
    return found


def _worst(results: Results, column: Strength | None) -> dict[str, Any]:
    return _scored(
        results, {scored: results.worst(column, scored=scored) for scored in results.scorings}
    )


def _scored(results: Results, flags: Mapping[str, Flags]) -> dict[str, Any]:
    """Give accuracy, interval and flags of one set of answers, in all ways of scoring."""
    accuracy = results.share(flags["correct"])
    found: dict[str, Any] = {
        "accuracy": accuracy.value,
        "interval": accuracy.interval and list(accuracy.interval),
        "accuracy_8bit": results.share(flags["correct_8bit"]).value,
        "correct": flags["correct"].tolist(),
        "correct_8bit": flags["correct_8bit"].tolist(),
    }
    if "correct_h264" in flags:
        found["accuracy_h264"] = results.share(flags["correct_h264"]).value
        found["correct_h264"] = flags["correct_h264"].tolist()
    return found


def _aim(results: Results) -> dict[str, Any]:
    """Say what attacks were aimed at; nothing where any wrong class would do."""
    if results.target is None or results.targets is None:
        return {}
    return {"target": results.target, "targets": results.targets.tolist()}


def _success(results: Results, reached: Callable[[str], Flags]) -> dict[str, Any]:
    """Give targeted success, interval and flags in all ways of scoring; nothing without target."""
    if results.target is None:
        return {}
    able = int(results.clean.sum())
    found: dict[str, Any] = {"target": results.target, "eligible": able}
    for scored in results.scorings:
        flags, behind = reached(scored), scored.removeprefix("correct")
        found[f"reached{behind}"] = flags.tolist()
        share = results.targeted_success(flags) if able else None
        found[f"success{behind}"] = share and share.value
        if not behind:
            found["success_interval"] = share and share.interval and list(share.interval)
    return found


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the scores of a row of JSON as columns."""
    low, high = row["interval"] or (None, None)
    shares = (row["accuracy"], low, high, row["accuracy_8bit"], row.get("accuracy_h264"))
    found = dict(zip(_SCORES, (len(row["correct"]), sum(row["correct"]), *shares), strict=True))
    if "reached" in row:
        low, high = row["success_interval"] or (None, None)
        found |= {"reached": sum(row["reached"]), "success_low": low, "success_high": high}
    return found


def _numbers(values: Numbers) -> list[float | None]:
    """JSON has no NaN and nothing infinite."""
    return [_number(float(value)) for value in values]


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(value, 6)
