import csv
import io
import json
import re
from typing import Any

import numpy as np
import pytest

from advvid.errors import InputError
from advvid.evaluation import ConditionResult, Evaluation, Strength
from advvid.evaluation.conditions.attack import L2, LINF
from advvid.evaluation.conditions.suites import expand
from advvid.evaluation.views.markdown import report


def result(
    attack: str,
    eps: float,
    correct: list[int],
    *,
    norm: str = "Linf",
    group: str | None = None,
    **fields: Any,
) -> ConditionResult:
    flags = np.array(correct, dtype=bool)
    return ConditionResult(
        name=attack,
        group=group or attack,
        strength=Strength(eps / 255, L2 if norm == "L2" else LINF),
        correct=flags,
        correct_8bit=flags,
        facts={"norm": norm, "access": "white box", "bound": norm},
        **fields,
    )


def evaluation(*results: ConditionResult) -> Evaluation:
    right = np.array([True, True, True])
    return Evaluation(
        columns=(Strength(4 / 255, LINF), Strength(8 / 255, LINF)),
        positions=np.arange(3),
        labels=np.zeros(3, dtype=np.int64),
        predicted=np.zeros(3, dtype=np.int64),
        clean=right,
        clean_8bit=right,
        results=results,
    )


def test_worst_case_is_clip_by_clip_over_all_that_lies_in_the_ball() -> None:
    found = evaluation(
        result("a", 4, [1, 1, 0]),
        result("b", 8, [1, 0, 1]),
        result("wide", 200, [0, 0, 0]),
        result("long", 1, [0, 0, 0], norm="L2"),
    )
    assert found.worst(4 / 255).tolist() == [True, True, False]
    # What fooled the model within 4 fools it within 8 too.
    assert found.worst(8 / 255).tolist() == [True, False, False]
    assert found.accuracy("worst case", 8 / 255).correct == 1
    assert found.accuracy("b", 8 / 255).correct == 2
    for attack, eps in (("a", 8), ("c", 4), ("worst case", 5)):
        with pytest.raises(InputError, match="was not evaluated"):
            found.accuracy(attack, eps / 255)
    with pytest.raises(InputError, match="was not scored"):
        found.worst(4 / 255, scored="correct_h264")


def test_table_has_a_row_an_attack_and_the_worst_case() -> None:
    found = evaluation(
        result("a", 4, [1, 1, 0], seconds=2.0, gradients=60.0, applied=3),
        result("a", 8, [1, 0, 0], seconds=3.0, gradients=30.0, forwards=33.0, applied=3),
        result("patch:eps=1", 255, [0, 0, 1]),
        result("long:eps=2", 2 * 255, [0, 1, 1], norm="L2"),
    )
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in found.to_markdown().splitlines()
    ]
    assert lines[0] == [
        "attack",
        "eps 0",
        "eps 4",
        "eps 8",
        "own eps",
        "n",
        "seconds",
        "gradients",
        "forwards",
    ]
    assert len({len(line) for line in lines}) == 1
    rows = {line[0]: line for line in lines[2:]}
    assert rows["a"][2].startswith("66.7 [")
    assert rows["a"][5:] == ["3", "3.0", "10", "11"]
    assert rows["patch:eps=1"][4].endswith("at 255")
    assert rows["long:eps=2"][4].endswith("at 2 (L2)")
    assert rows["worst case"][3].startswith("33.3 [")
    assert "worst case, 8 bits" in rows


def test_groups_are_averaged_over_their_attacks() -> None:
    found = evaluation(
        result("a:r=1", 8, [1, 1, 0], group="a"),
        result("a:r=2", 8, [0, 0, 1], group="a"),
        result("a:r=2", 4, [1, 1, 1], group="a"),
    )
    assert re.search(r"^\| a \| 2 \| 50\.0 \[.*\| 66\.7, 33\.3 \|$", report(found), re.MULTILINE)


def test_csv_and_json_hold_the_same_numbers() -> None:
    found = evaluation(result("a", 4, [1, 1, 0], applied=3, loss=np.array([0.5, np.nan, 2.0])))
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [row["attack"] for row in rows] == ["none", "a", "worst case", "worst case"]
    assert float(rows[1]["accuracy"]) == pytest.approx(2 / 3, abs=1e-6)
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["results"][0]["correct"] == [True, True, False]
    assert content["results"][0]["loss"] == [0.5, None, 2.0]
    assert content["results"][0]["interval"] == pytest.approx(
        [float(rows[1]["low"]), float(rows[1]["high"])], abs=1e-6
    )


def test_a_group_that_is_one_attack_in_parts_counts_the_worst_of_each_clip() -> None:
    parts = [
        result("apgd-ce", 8, [1, 1, 0], group="AutoAttack", combined="worst"),
        result("square", 8, [0, 1, 1], group="AutoAttack", combined="worst"),
    ]
    found = evaluation(*parts, result("pgd", 8, [1, 1, 1], group="PGD"))
    row = next(line for line in report(found).splitlines() if "| Auto" in line)
    assert row.startswith("| AutoAttack | 2 | 33.3 [")
    assert "worst of each clip" in row
    assert "66.7, 66.7" in row


def test_the_suites_say_how_their_groups_are_combined() -> None:
    ways = {row.group: row.combined for row in expand(["standard", "paper"])}
    assert ways["AutoAttack"] == ways["PGD"] == "worst"
    assert ways["masked PGD"] == ways["flickering"] == "mean"


def test_the_standard_suite_runs_pgd_with_both_of_its_losses() -> None:
    named = [row.spec.text for row in expand(["standard"]) if row.group == "PGD"]
    assert named == ["pgd", "pgd:loss=cw"]
