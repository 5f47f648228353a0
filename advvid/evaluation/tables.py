"""An evaluation as Markdown, CSV and JSON."""

import csv
import io
from dataclasses import asdict
from typing import Any

import numpy as np

from advvid.evaluation.result import AttackResult, Evaluation, Flags, accuracy_of, mean_accuracy
from advvid.figures.words import WORST


def markdown(evaluation: Evaluation) -> str:
    """Spell a table: rows attacks, columns budgets, accuracy in % with its 95% Wilson interval.

    An attack with a budget of its own stands in a column of its own. Time and gradient calls are
    those of the largest budget; calls are a clip.
    """
    columns = list(evaluation.eps)
    own = any(not _in_columns(r, columns) for r in evaluation.results)
    head = ["attack", "eps 0", *(f"eps {e * 255:.3g}" for e in columns)]
    head += [*(["own eps"] if own else []), "n", "seconds", "gradients", "forwards"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for attack in evaluation.attacks:
        results = [r for r in evaluation.results if r.attack == attack]
        at = {round(r.eps, 9): r for r in results if r.norm != "L2"}
        cells = [_cell(at.get(round(e, 9))) for e in columns]
        if own:
            cells.append("; ".join(_own(r) for r in results if not _in_columns(r, columns)))
        last = max(results, key=lambda r: r.eps)
        costs = [
            f"{last.seconds:.1f}",
            f"{last.gradients_per_clip:.0f}",
            f"{last.forwards_per_clip:.0f}",
        ]
        clean = str(evaluation.clean_accuracy)
        lines.append([attack, clean, *cells, str(len(evaluation.clean)), *costs])
    if len(evaluation.attacks) > 1 and columns:
        lines.append(_worst_line(evaluation, "correct", WORST, own=own))
        lines.append(_worst_line(evaluation, "correct_8bit", f"{WORST}, 8 bits", own=own))
        if evaluation.clean_h264 is not None:
            lines.append(_worst_line(evaluation, "correct_h264", f"{WORST}, H.264", own=own))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def group_markdown(evaluation: Evaluation) -> str:
    """Spell the mean accuracy of each kind of attack, every attack at its largest budget."""
    lines = [["attack type", "attacks", "mean accuracy", "of each"], ["---", *["---:"] * 3]]
    for group, results in evaluation.groups().items():
        each = ", ".join(f"{100 * r.accuracy.value:.1f}" for r in results)
        lines.append([group, str(len(results)), str(mean_accuracy(results)), each])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_csv(evaluation: Evaluation) -> str:
    """Spell one line for each attack and budget; budgets in 1/255 (L2: in pixels of range 1)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "attack",
            "group",
            "access",
            "norm",
            "eps",
            "n",
            "correct",
            "accuracy",
            "low",
            "high",
            "accuracy_8bit",
            "accuracy_h264",
            "attacked",
            "seconds",
            "gradients_per_clip",
            "forwards_per_clip",
        ]
    )
    none = AttackResult(
        "none",
        "none",
        0.0,
        "Linf",
        "control",
        "",
        evaluation.clean,
        evaluation.clean_8bit,
        evaluation.clean_h264,
    )
    worst = [
        AttackResult(
            WORST,
            WORST,
            e,
            "Linf",
            "white box",
            "",
            evaluation.worst(e),
            evaluation.worst(e, scored="correct_8bit"),
            None if evaluation.clean_h264 is None else evaluation.worst(e, scored="correct_h264"),
        )
        for e in evaluation.eps
    ]
    for r in (none, *evaluation.results, *worst):
        low, high = r.accuracy.interval
        writer.writerow(
            [
                r.attack,
                r.group,
                r.access,
                r.norm,
                f"{_printed_eps(r):.6g}",
                r.accuracy.count,
                r.accuracy.correct,
                f"{r.accuracy.value:.6f}",
                f"{low:.6f}",
                f"{high:.6f}",
                f"{r.correct_8bit.mean():.6f}",
                "" if r.correct_h264 is None else f"{r.correct_h264.mean():.6f}",
                r.attacked,
                f"{r.seconds:.3f}",
                f"{r.gradients_per_clip:.2f}",
                f"{r.forwards_per_clip:.2f}",
            ]
        )
    return text.getvalue()


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Give everything, clip by clip, as JSON can hold it; budgets in 1/255 (L2: as they are)."""
    return {
        "unit": "1/255",
        "clips": len(evaluation.clean),
        "eot": evaluation.eot,
        "eps": [e * 255 for e in evaluation.eps],
        "attacks": list(evaluation.attacks),
        "positions": evaluation.positions.tolist(),
        "labels": evaluation.labels.tolist(),
        "clean": _scored(evaluation.clean, evaluation.clean_8bit, evaluation.clean_h264),
        "results": [_result(r) for r in evaluation.results],
        "worst": [
            {
                "eps": e * 255,
                **_scored(
                    evaluation.worst(e),
                    evaluation.worst(e, scored="correct_8bit"),
                    None
                    if evaluation.clean_h264 is None
                    else evaluation.worst(e, scored="correct_h264"),
                ),
            }
            for e in evaluation.eps
        ],
        "alarms": [asdict(alarm) for alarm in evaluation.alarms],
        "probes": dict(evaluation.probes),
    }


def _result(r: AttackResult) -> dict[str, Any]:
    return {
        "attack": r.attack,
        "group": r.group,
        "access": r.access,
        "bound": r.bound,
        "norm": r.norm,
        "eps": _printed_eps(r),
        "attacked": r.attacked,
        "seconds": r.seconds,
        "gradients_per_clip": r.gradients_per_clip,
        "forwards_per_clip": r.forwards_per_clip,
        "loss": _numbers(r.loss),
        **{f"clip_{name}": _numbers(values) for name, values in r.report.items()},
        **_scored(r.correct, r.correct_8bit, r.correct_h264),
    }


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


def _numbers(values: np.ndarray) -> list[float | None]:
    """JSON has no NaN."""
    return [None if np.isnan(v) else round(float(v), 6) for v in values]


def _printed_eps(result: AttackResult) -> float:
    return result.eps if result.norm == "L2" else result.eps * 255


def _in_columns(result: AttackResult, columns: list[float]) -> bool:
    return result.norm != "L2" and bool(np.isclose(columns, result.eps).any())


def _cell(result: AttackResult | None) -> str:
    return "" if result is None else str(result.accuracy)


def _own(result: AttackResult) -> str:
    unit = " (L2)" if result.norm == "L2" else ""
    return f"{result.accuracy} at {_printed_eps(result):.4g}{unit}"


def _worst_line(evaluation: Evaluation, scored: str, name: str, *, own: bool) -> list[str]:
    clean = evaluation.unattacked(scored)
    cells = [str(accuracy_of(evaluation.worst(e, scored=scored))) for e in evaluation.eps]
    return [name, str(accuracy_of(clean)), *cells, *[""] * own, str(len(clean)), *[""] * 3]
