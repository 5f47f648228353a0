"""What people and programs see of results: tables in Markdown, LaTeX, CSV and a terminal."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advvid.data.clip_origin import ClipOrigin
from advvid.evaluation import Alarm, ConditionResult, Evaluation, Strength
from advvid.evaluation.conditions.attack import LINF
from advvid.evaluation.views.about import subject
from advvid.evaluation.views.markdown import report
from advvid.evaluation.views.narrow import show
from advvid.evaluation.views.plots import accuracy_figure, draw, frame_curves, group_figure
from advvid.runs.terminal import Terminal

HOSTILE = "=cmd|a\nb\x1b[2J$x$:k=<b>"
FIGURES = ("accuracy", "attack_types", "accuracy_by_frames")
NAMES = ("pgd", "masked-pgd:ratio=0.15,shape=frame-border,per_frame=true", "square:queries=100")
BUDGETS = (4, 8, 12, 15)


def condition(name: str, eps: float, correct: list[bool], **fields: Any) -> ConditionResult:
    flags = np.array(correct)
    return ConditionResult(
        name=name,
        group=name.split(":")[0],
        strength=Strength(eps / 255, LINF),
        correct=flags,
        correct_8bit=flags,
        applied=len(flags),
        facts={"norm": "Linf", "access": "white box", "bound": "Linf"},
        **fields,
    )


def evaluation(*names: str, clips: int = 10, videos: int = 5, **fields: Any) -> Evaluation:
    right = np.ones(clips, dtype=bool)
    results = [
        condition(name, eps, [n >= eps * clips / 16 for n in range(clips)], gradients=70.0)
        for name in names
        for eps in BUDGETS
    ]
    given: dict[str, Any] = {
        "columns": tuple(Strength(eps / 255, LINF) for eps in BUDGETS),
        "positions": np.arange(clips),
        "labels": np.zeros(clips, dtype=np.int64),
        "predicted": np.zeros(clips, dtype=np.int64),
        "clean": right,
        "clean_8bit": right,
        "results": tuple(results),
        "origins": tuple(ClipOrigin(f"v{n % videos}", (n,)) for n in range(clips)),
        "about": {
            "model": "torchvision/r3d_18",
            "data": "folder:films",
            "split": "test",
            "seed": 3,
            "command": "advvid evaluate --model torchvision/r3d_18",
            "warnings": ["random weights: its numbers say nothing"],
        },
    }
    return Evaluation(**{**given, **fields})


Shown = Callable[[Evaluation, int], list[str]]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What a terminal of some width shows, line by line."""

    def lines(found: Evaluation, width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        show(found, Terminal())
        return capsys.readouterr().out.splitlines()

    return lines


@pytest.mark.parametrize("width", [50, 60, 80, 100, 200])
def test_tables_fit_the_terminal(width: int, shown: Shown) -> None:
    lines = shown(evaluation(*NAMES), width)
    # In a pipe a warning is one line, whatever its length.
    tables = [line for line in lines if not line.startswith("WARNING")]
    assert max(map(len, tables)) <= width
    words = {word.rstrip(",:") for line in tables for word in line.split()}
    for name in NAMES:
        for piece in name.replace(":", ",").split(","):
            assert piece in words or any(piece in word for word in words), piece
    assert not any("|" in line or "…" in line for line in tables)
    text = "\n".join(lines)
    for eps in BUDGETS:
        assert f"eps {eps}" in text


def test_intervals_stand_below_where_a_line_is_too_short(shown: Shown) -> None:
    found = evaluation(*NAMES)
    wide = "\n".join(shown(found, 200))
    assert str(found.accuracy("pgd", 8 / 255)) in wide
    lines = shown(found, 80)
    (row,) = [n for n, line in enumerate(lines) if line.startswith("pgd") and "50.0" in line]
    assert lines[row].count(".0") == 5
    assert lines[row + 1].split("[")[0].strip() == ""
    assert lines[row + 1].count("[") == 5
    worst = next(n for n, line in enumerate(lines) if line.startswith("worst case "))
    assert lines[worst - 1].strip() == ""


def test_warnings_come_first_and_alarms_last(shown: Shown) -> None:
    found = evaluation("pgd", alarms=(Alarm("zero gradients", "look out", {}),))
    lines = shown(found, 80)
    assert lines[0] == "WARNING random weights: its numbers say nothing"
    assert lines[-1] == "ALARM zero gradients: look out"
    text = "\n".join(lines)
    for word in (
        "torchvision/r3d_18",
        "folder:films",
        "test",
        "10 clips, 5 videos",
        "seed     3",
    ):
        assert word in text
    page = report(found)
    for told in ("**WARNING** random weights", "**ALARM zero gradients** look out"):
        assert page.index(told) < page.index("| attack |")
    for fact in (
        "| model | torchvision/r3d_18 |",
        "| clips | 10 clips, 5 videos |",
        "| seed | 3 |",
    ):
        assert fact in page
    assert "| command | advvid evaluate --model torchvision/r3d_18 |" in page


@pytest.mark.parametrize("agreement", [None, 0.98])
def test_silence_says_whether_gradients_were_compared(
    agreement: float | None, shown: Shown
) -> None:
    probes = {"clips": 10, "agreement": agreement, "conclusive": 3}
    found = evaluation("pgd", probes=probes)
    told = [" ".join(shown(found, 200)), report(found)]
    for text in told:
        assert "o alarm: nothing speaks against the gradients" in text
        assert ("tell of 3 of 10 clips, too few" in text) == (agreement is None)


def test_strengths_of_their_own_have_a_table_of_their_own(shown: Shown) -> None:
    found = evaluation("pgd")
    patch = condition("patch:eps=1", 255, [True] * 5 + [False] * 5)
    lines = shown(replace(found, results=(*found.results, patch)), 80)
    head = next(
        n for n, line in enumerate(lines) if line.split() == ["attack", "own", "eps", "accuracy"]
    )
    assert lines[head + 2].split()[:3] == ["patch:eps=1", "255", "50.0"]


def sparse() -> Evaluation:
    """An attack that fools half of the clips, with 1 to 5 of 16 frames."""
    changes = {
        "frames": np.array([1.0, 2, 3, 4, 5, 16, 16, 16, 16, 16]),
        "thickness": np.full(10, 0.25),
        "roughness": np.full(10, 0.5),
    }
    one = condition("sparse", 4, [False] * 5 + [True] * 5, changes=changes)
    return evaluation(results=(one,), frames=16)


@pytest.mark.parametrize("width", [50, 80])
def test_changes_and_accuracy_by_frames_have_small_tables(width: int, shown: Shown) -> None:
    lines = shown(sparse(), width)
    assert max(len(line) for line in lines if not line.startswith("WARNING")) <= width
    text = "\n".join(lines)
    assert "9.5 / 3" in text
    assert all(f"at most {k}" in text for k in (1, 2, 4, 8, 16))
    assert re.search(r"sparse .* 90\.0 +80\.0 +60\.0", text) or width < 80
    page = report(sparse())
    assert "| sparse | 4 | 90.0 | 80.0 | 60.0 | 50.0 | 50.0 |" in page
    assert "| sparse | 4 | 9.5 / 3 | 0.25 / 0.25 | 0.5 / 0.5 |" in page
    assert sparse().to_records()[1]["frames_changed"] == 9.5


def test_one_video_has_no_interval(shown: Shown) -> None:
    found = evaluation("pgd", videos=1)
    for width in (80, 200):
        text = " ".join(" ".join(shown(found, width)).split())
        assert "one video or clip tells nothing of others" in text
        assert "no interval" not in text
    assert "without intervals" in report(found)
    assert "| pgd | 100.0 | 70.0 |" in report(found)
    assert found.to_records()[1]["low"] is None


def test_no_conditions_no_empty_tables(shown: Shown) -> None:
    lines = shown(evaluation(), 80)
    assert any(line.startswith("none ") and "100.0 [" in line for line in lines)
    assert not any("seconds" in line for line in lines)


def test_records_are_plain_and_alike() -> None:
    records = evaluation(*NAMES).to_records()
    assert len({tuple(record) for record in records}) == 1
    kinds = {type(value) for record in records for value in record.values()}
    assert kinds <= {str, int, float, type(None)}
    assert [record["attack"] for record in records[:2]] == ["none", "pgd"]
    assert records[1]["eps"] == pytest.approx(4)
    assert records[1]["accuracy"] == 0.7
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(records)
    assert frame.groupby("attack").accuracy.min()["worst case"] == 0.0


def test_latex_is_a_booktabs_table() -> None:
    lines = evaluation("a_b", "50%&").to_latex().splitlines()
    assert "% WARNING random weights: its numbers say nothing" in lines
    body = [line for line in lines if not line.startswith("%")]
    assert r"\begin{tabular}{lrrrrr}" in body
    assert [body.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 2, 1]
    rows = [line for line in body if line.endswith(r"\\")]
    assert all(row.replace(r"\&", "").count("&") == 5 for row in rows)
    assert rows[1].startswith(r"a\_b & 100.0 [")
    assert rows[2].startswith(r"50\%\& & 100.0 [")


def test_hostile_names_break_no_output(shown: Shown) -> None:
    about = {"model": HOSTILE, "data": HOSTILE, "warnings": [HOSTILE]}
    alarms = (Alarm(HOSTILE, HOSTILE, {}),)
    found, plain = (
        evaluation(name, "pgd", about=about, alarms=alarms) for name in (HOSTILE, "plain")
    )
    text = "\n".join(shown(found, 80))
    assert "\x1b" not in text
    assert len(report(found).splitlines()) == len(report(plain).splitlines())
    rows = found.to_markdown().splitlines()
    assert {row.replace(r"\|", "").count("|") for row in rows} == {rows[0].count("|")}
    cells = [row["attack"] for row in csv.DictReader(io.StringIO(found.to_csv()))]
    assert cells[1] == "'=cmd|a\\nb\\x1b[2J$x$:k=<b>"
    assert len(found.to_csv().splitlines()) == len(plain.to_csv().splitlines())
    assert len(found.to_latex().splitlines()) == len(plain.to_latex().splitlines())
    # Programs get the name as it is.
    assert found.to_records()[1]["attack"] == HOSTILE


def test_one_line_says_what_a_figure_shows() -> None:
    assert subject(evaluation("pgd")) == (
        "WARNING random weights; torchvision/r3d_18 on folder:films (test), n = 10 clips, 5 videos"
    )
    assert subject(evaluation("pgd", about={}, origins=())) == "n = 10 clips"
    for figure in (group_figure(evaluation("pgd")), accuracy_figure(evaluation("pgd"))):
        assert figure is not None
        title = " ".join(figure.axes[0].get_title().split())
        assert subject(evaluation("pgd")) in title


def test_accuracy_against_frames_is_drawn(tmp_path: Path) -> None:
    found = sparse()
    (curve,) = frame_curves(found)
    assert list(curve.strengths) == list(range(17))
    assert curve.accuracy[:4] == [1.0, 0.9, 0.8, 0.7]
    assert curve.name == "eps 4/255, sparse"
    draw(tmp_path, found, chance=0.1, formats=["png", "svg"])
    names = {f"{name}.{kind}" for kind in ("png", "svg") for name in FIGURES}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert frame_curves(evaluation("pgd")) == []


def test_bars_say_at_which_budget_they_are() -> None:
    same = group_figure(evaluation("pgd", "square:queries=9")).axes[0]
    assert "by kind of attack, at eps 15/255" in same.get_title()
    names = [label.get_text() for label in same.get_yticklabels()]
    assert names == ["no attack", "pgd", "square"]
    of_pgd = evaluation("pgd").results
    own = condition("masked-pgd:eps=1", 255, [False] * 10)
    mixed = group_figure(evaluation(results=(*of_pgd, own))).axes[0]
    names = [label.get_text() for label in mixed.get_yticklabels()]
    assert names == ["no attack", "pgd, eps 15/255", "masked-pgd, eps 255/255"]
