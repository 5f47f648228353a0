"""What tables, files and alarms say of targeted attacks."""

import csv
import io

import numpy as np
import pytest

from advvid.attacks.core.step_law import PAPER_LAW
from advvid.evaluation import ConditionResult, Evaluation, Strength
from advvid.evaluation.alarms import find_alarms
from advvid.evaluation.conditions.attack import LINF
from advvid.evaluation.conditions.target import LEAST_LIKELY
from advvid.evaluation.views.about import subject
from advvid.evaluation.views.clips import clip_records
from advvid.evaluation.views.latex import latex
from advvid.evaluation.views.markdown import report


def synthetic(reached: list[list[int]], clean: list[int]) -> Evaluation:
    """Results of one attack at rising budgets."""
    right = np.array(clean, dtype=bool)
    budgets = [2 / 255, 8 / 255][: len(reached)]
    results = [
        ConditionResult(
            name="pgd",
            group="pgd",
            strength=Strength(eps, LINF),
            correct=right & ~np.array(flags, dtype=bool),
            correct_8bit=right,
            loss=np.where(right, 1.0, np.nan),
            facts={"norm": "Linf", "access": "white box", "bound": "Linf"},
            reached=np.array(flags, dtype=bool),
            reached_8bit=np.zeros_like(right),
        )
        for eps, flags in zip(budgets, reached, strict=True)
    ]
    return Evaluation(
        columns=tuple(Strength(eps, LINF) for eps in budgets),
        positions=np.arange(len(right)),
        labels=np.zeros(len(right), dtype=np.int64),
        predicted=np.zeros(len(right), dtype=np.int64),
        clean=right,
        clean_8bit=right,
        results=tuple(results),
        about={"target": "its least likely class"},
        target=LEAST_LIKELY,
        targets=np.ones(len(right), dtype=np.int64),
    )


def test_tables_and_files_hold_success_of_eligible_clips_and_accuracy_of_all() -> None:
    found = synthetic([[1, 0, 0, 0, 0], [1, 1, 1, 0, 0]], [1, 1, 1, 1, 0])
    page, lines = report(found), report(found).splitlines()
    success = next(line for line in lines if line.startswith("| targeted success"))
    row = lines[lines.index(success) + 2]
    assert "| 25.0 [" in row
    assert "| 75.0 [" in row
    assert "4 that were right" in row
    accuracy = next(line for line in lines if line.startswith("| accuracy |"))
    row = lines[lines.index(accuracy) + 2]
    assert [f"| {share} [" in row for share in ("80.0", "60.0", "20.0")] == [True] * 3
    assert "how many of the 4 clips that were right become their target" in page
    assert "% ATTACKS WERE TARGETED" in latex(found)
    assert "attacks targeted: least-likely" in subject(found)
    records = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [line["eligible"] for line in records] == ["", "4", "4", "4", "4"]
    assert records[2]["reached"] == "3"
    assert float(records[2]["success"]) == 0.75
    assert float(records[2]["success_low"]) == pytest.approx(0.3006, abs=1e-3)
    content = found.to_dict()
    assert content["targets"] == [1] * 5
    assert content["worst"][1]["success"] == 0.75
    assert content["results"][1]["reached"] == [True, True, True, False, False]
    first = clip_records(found)[0]
    assert first["target"] == 1
    assert first["pgd eps 2/255 reached target"] is True


def test_success_is_left_out_where_no_clip_was_right() -> None:
    found = synthetic([[0, 0], [0, 0]], [0, 0])
    assert "targeted success |" not in report(found)
    assert found.to_dict()["results"][0]["success"] is None


def test_alarms_judge_by_the_target() -> None:
    none = synthetic([[0] * 20, [0] * 20], [1] * 20)
    assert find_alarms(none, PAPER_LAW) == ()
    rising = synthetic([[1] * 20, [0] * 20], [1] * 20)
    assert [one.name for one in find_alarms(rising, PAPER_LAW)] == [
        "accuracy rises with the budget"
    ]
