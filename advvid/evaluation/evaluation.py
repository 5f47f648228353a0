"""What `advvid.evaluate` gives: results with the views of them, collected from records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from advvid.data.clip_origin import ClipOrigin
from advvid.errors import InputError
from advvid.evaluation.condition import Condition
from advvid.evaluation.condition_result import ConditionResult, Flags, Numbers
from advvid.evaluation.plan import EvaluationPlan
from advvid.evaluation.provenance import provenance
from advvid.evaluation.records import CLEAN, Record, by_position, probes_of, totals
from advvid.evaluation.result import Results
from advvid.evaluation.views.about import subject
from advvid.evaluation.views.content import as_csv, as_json, as_records
from advvid.evaluation.views.distances import distances
from advvid.evaluation.views.latex import latex
from advvid.evaluation.views.markdown import markdown


@dataclass(frozen=True, repr=False)
class Evaluation(Results):
    """Which clips are classified correctly under which condition; see `Results`."""

    def __repr__(self) -> str:
        """Say what was evaluated in a line, and show the table; arrays would fill the screen."""
        return f"<Evaluation: {subject(self)}>\n{self.to_markdown()}"

    to_markdown = _repr_markdown_ = markdown
    to_latex = latex
    to_csv = as_csv
    to_records = as_records
    to_dict = as_json
    distances = distances


def collect(plan: EvaluationPlan, records: Sequence[Record]) -> Evaluation:
    """Put the records of all processes in the order of the clips.

    Raises:
        InputError: when no clip could be read.
    """
    clean = by_position(records, CLEAN)
    if not clean:
        raise InputError("no clip could be read: repair or replace the videos")
    # Clips of the class that all are to look like are no clips of a targeted evaluation.
    places = [place for place, row in sorted(clean.items()) if row.get("target") != row["label"]]
    if not places:
        aim = "" if plan.target is None else plan.target.asked
        raise InputError(f"every clip is of the target {aim}: choose another class")
    rows = [clean[place] for place in places]
    with_h264 = "correct_h264" in rows[0]
    return Evaluation(
        columns=plan.columns,
        positions=np.array(places, dtype=np.int64),
        labels=np.array([row["label"] for row in rows], dtype=np.int64),
        predicted=np.array([row["predicted"] for row in rows], dtype=np.int64),
        clean=_flags(rows, "correct"),
        clean_8bit=_flags(rows, "correct_8bit"),
        clean_h264=_flags(rows, "correct_h264") if with_h264 else None,
        results=tuple(_result(records, one, places, with_h264) for one in plan.conditions),
        probes=probes_of(records),
        eot=plan.scoring.eot,
        frames=next(one.content["frames"] for one in records if one.condition == CLEAN),
        about={**provenance(plan.setup), **_aim(plan, len(rows), len(clean)), **_left_out(plan)},
        origins=tuple(_origin(row["origin"]) for row in rows),
        target=None if plan.target is None else plan.target.asked,
        targets=None if plan.target is None else np.array([row["target"] for row in rows]),
    )


def _aim(plan: EvaluationPlan, used: int, count: int) -> dict[str, str]:
    """Say what attacks were aimed at."""
    if plan.target is None:
        return {}
    of_class = f"; {count - used} of {count} clips are of it and left out" if used < count else ""
    return {"target": f"{plan.target.words}{of_class}"}


def _left_out(plan: EvaluationPlan) -> dict[str, str]:
    """Say which attacks are left out, and why."""
    reasons = {"cannot be targeted": plan.untargeted, "no gradient": plan.without_gradient}
    told = [f"{', '.join(names)}: {why}" for why, names in reasons.items() if names]
    return {"left out": "; ".join(told)} if told else {}


def _result(
    records: Sequence[Record], condition: Condition, places: Sequence[int], with_h264: bool
) -> ConditionResult:
    known, costs = by_position(records, condition.key), totals(records, condition.key)
    rows = [known.get(place, {}) for place in places]
    return ConditionResult(
        name=condition.name,
        group=condition.group,
        combined=condition.combined,
        strength=condition.strength,
        correct=_flags(rows, "correct"),
        correct_8bit=_flags(rows, "correct_8bit"),
        correct_h264=_flags(rows, "correct_h264") if with_h264 else None,
        reached=_flags(rows, "reached") if condition.targeted else None,
        reached_8bit=_flags(rows, "reached_8bit") if condition.targeted else None,
        reached_h264=_flags(rows, "reached_h264") if condition.targeted and with_h264 else None,
        loss=_numbers(rows, "loss"),
        applied=len(known),
        report=_prefixed(rows, "report_"),
        changes=_prefixed(rows, "change_"),
        facts=condition.facts,
        seconds=costs.get("seconds", 0.0),
        forwards=costs.get("forwards", 0.0),
        gradients=costs.get("gradients", 0.0),
    )


def _origin(row: Mapping[str, Any]) -> ClipOrigin:
    return ClipOrigin(row["video"], tuple(row["frames"]), row["path"], row["source"])


def _prefixed(rows: Sequence[Mapping[str, Any]], prefix: str) -> dict[str, Numbers]:
    """Give the columns whose names have a prefix, without it."""
    names = sorted({name for row in rows for name in row if name.startswith(prefix)})
    return {name.removeprefix(prefix): _numbers(rows, name) for name in names}


def _flags(rows: Sequence[Mapping[str, Any]], name: str) -> Flags:
    """Give flags as an array (N,); False for clips without a row."""
    return np.array([bool(row.get(name)) for row in rows])


def _numbers(rows: Sequence[Mapping[str, Any]], name: str) -> Numbers:
    """Give a column as an array (N,); NaN for clips without a row."""
    return np.array([float(row.get(name, np.nan)) for row in rows])
