import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from advvid.evaluation.alarms import measure
from tests.cli.run_command import CommandRunner
from tests.cli.sample_video import write_video

QUICK = [
    "--clips",
    "6",
    "--attack",
    "pgd:max_iter=3",
    "--attack",
    "random-noise",
    "--eps",
    "0,1,8",
]


def test_writes_table_figures_picture_and_numbers(advvid: CommandRunner, tmp_path: Path) -> None:
    done = advvid("evaluate", *QUICK, "--out", "run", "--figures", "png,svg,pdf")
    assert done.code == 0, done.err
    run = tmp_path / "run"
    page, lines = (run / "table.md").read_text(), done.out.splitlines()
    assert "| worst case |" in page
    assert max(map(len, lines)) <= 80
    assert not any("|" in line or "\x1b" in line for line in lines)
    shown = next(line.split() for line in lines if line.startswith("worst case "))
    assert [f"{float(share):.1f}" in page for share in shown[2:]] == [True] * 3
    assert r"\toprule" in (run / "table.tex").read_text()
    assert "results: run" in done.out
    results = json.loads((run / "results.json").read_text())
    assert [r["eps"] for r in results["results"]] == pytest.approx([1, 8, 1, 8])
    assert results["probes"]["clips"] == 6
    rows = list(csv.DictReader((run / "results.csv").open()))
    assert rows[0]["attack"] == "none"
    assert float(rows[1]["accuracy"]) == pytest.approx(results["results"][0]["accuracy"], abs=1e-6)
    each = list(csv.DictReader((run / "clips.csv").open()))
    assert [one["video"] for one in each] == [one["video"] for one in results["origins"]]
    assert [one["correct"] == "True" for one in each] == results["clean"]["correct"]
    first = results["results"][0]
    assert [one[f"{first['condition']} eps 1/255"] == "True" for one in each] == first["correct"]
    config = json.loads((run / "config.json").read_text())
    assert config["settings"]["found"]["clips"] == 6
    for name in ("accuracy.png", "attack_types.png"):
        assert Image.open(run / name).size[0] > 400
        assert (run / name).with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        assert "<svg" in (run / name).with_suffix(".svg").read_text()
    assert getattr(Image.open(run / "comparison.gif"), "n_frames", 1) == 8
    assert not (run / "parts").exists()


def test_no_alarms_no_pictures(advvid: CommandRunner, tmp_path: Path) -> None:
    done = advvid("evaluate", *QUICK, "--out", "run", "--no-alarms", "--pictures", "0")
    assert done.code == 0, done.err
    # The command itself, which is printed, has the word.
    assert not re.search(r"ALARM|no alarm:", done.out)
    assert not (tmp_path / "run" / "comparison.gif").exists()


@pytest.mark.parametrize("arguments", [["--attack", "none"], ["--attack", "pgd", "--eps", "0"]])
def test_clean_accuracy_alone(advvid: CommandRunner, tmp_path: Path, arguments: list[str]) -> None:
    done = advvid("evaluate", "--clips", "6", *arguments, "--out", "run")
    assert done.code == 0, done.err
    assert re.search(r"^none +100\.0 \[", done.out, re.MULTILINE)
    assert "alarm" not in done.out.lower()
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["clean"]["correct"] == [True] * 6
    assert results["results"] == []
    (row,) = csv.DictReader((tmp_path / "run" / "results.csv").open())
    assert row["n"] == "6"
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "config.json",
        "results.json",
        "results.csv",
        "clips.csv",
        "table.md",
        "table.tex",
    }


def test_alarms_are_printed_and_kept(
    advvid: CommandRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = measure._measure

    def masked(*arguments: Any, **settings: Any) -> Any:
        zero, *rest = measured(*arguments, **settings)
        return (~zero, *rest)

    monkeypatch.setattr(measure, "_measure", masked)
    done = advvid("evaluate", *QUICK, "--out", "run", "--pictures", "0")
    assert "ALARM zero gradients: " in done.out
    assert "no alarm" not in done.out
    (alarm,) = json.loads((tmp_path / "run" / "results.json").read_text())["alarms"]
    assert alarm["measured"]["zero_gradient"] == 6


def test_h264_and_eot_are_scored(advvid: CommandRunner, tmp_path: Path) -> None:
    done = advvid(
        "evaluate", *QUICK, "--out", "run", "--h264", "30", "--eot", "2", "--pictures", "0"
    )
    assert done.code == 0, done.err
    assert "worst case, H.264" in done.out
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert len(results["results"][0]["correct_h264"]) == 6
    # A deterministic model averaged over two equal passes takes two backward passes a step.
    assert results["results"][0]["gradients_per_clip"] == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--attack", "pdg"], "did you mean pgd"),
        (["--attack", "standart"], "did you mean standard"),
        (["--attack", "masked-pgd:ratio=0"], "ratio"),
        (["--attack", "masked-pgd:ratio=1.5"], "ratio"),
        (["--attack", "frame-border:ratio=0"], "ratio"),
        (["--attack", "frame-border:ratio=1.01"], "ratio"),
        (["--attack", "pgd:max_iter"], "max_iter needs a value"),
        (["--attack", "pgd:max_iter=0"], "max_iter"),
        (["--attack", "pgd:targeted=yes"], "no setting"),
        (["--target", "nobody"], "no class 'nobody'; use least-likely, random, a name or a number"),
        (["--target", "99"], "0 to 9"),
        (["--attack", "apgd-t", "--target", "random"], "apgd-t cannot be targeted"),
        (["--attack", "none", "--target", "random"], "no attack"),
        (["--attack", "pgd:eps=2"], "at most 1"),
        (["--eps", "-1"], "from 0"),
        (["--eps", "256"], "at most 255"),
        (["--condition", "samplin"], "did you mean sampling"),
        (["--condition", "sampling:clips=0"], "at least 1"),
        (["--condition", "sampling:kind=dense"], "not taken from videos"),
        (["--eot", "0"], "eot"),
        (["--h264", "52"], "0 to 51"),
        (["--batch-size", "0"], "--batch-size"),
        (["--clips", "-1"], "--clips"),
        (["--law", "missing.json"], "missing.json"),
        (["--pictures", "-1"], "--pictures"),
        (["--figures", "gif"], "png, svg, pdf; got 'gif'"),
        (["--devices", "0"], "devices"),
        (["--workers", "-1"], "workers"),
        (["--resume"], "--out"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    advvid: CommandRunner, tmp_path: Path, arguments: list[str], words: str
) -> None:
    base = ["--clips", "2"] if "--attack" in arguments else ["--clips", "2", "--attack", "pgd"]
    out = [] if "--resume" in arguments else ["--out", "run"]
    done = advvid("evaluate", *base, *arguments, *out)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
    # The corrected command may take the same folder.
    assert not (tmp_path / "run").exists()


def test_the_page_says_whose_labels_they_are_and_what_was_left_out(
    advvid: CommandRunner, tmp_path: Path
) -> None:
    (tmp_path / "videos").mkdir()
    for name in ("a.avi", "b.avi"):
        write_video(tmp_path / "videos" / name)
    (tmp_path / "videos" / "broken.avi").write_bytes(b"no video")
    line = ("evaluate", "--data", "folder:videos", "--attack", "none", "--out", "run")
    refused = advvid(*line)
    assert refused.code == 2
    assert "(--on-bad-video skip)" in refused.err
    assert not (tmp_path / "run" / "results.json").exists()
    done = advvid(*line[:-1], "skipped", "--on-bad-video", "skip")
    assert done.code == 0, done.err
    run = tmp_path / "skipped"
    page, about = (
        (run / "table.md").read_text(),
        json.loads((run / "results.json").read_text())["about"],
    )
    for name, words in (("labels", "the model's own predictions"), ("bad videos", "1 left out")):
        assert about[name].startswith(words)
        assert f"| {name} | {words}" in page
        assert words in done.out
    assert "the split test" in done.out


def test_a_targeted_evaluation_says_so_and_aims_as_attack_does(
    advvid: CommandRunner, tmp_path: Path
) -> None:
    clips = ("--clips", "6", "--target", "random", "--seed", "3")
    few = ("--attack", "random-noise:eps=2/255", "--attack", "pgd:max_iter=4,early_stop=yes")
    refused = advvid("evaluate", *clips, *few, "--out", "run")
    assert "random-noise:eps=2/255 cannot be targeted: noise does not look" in refused.err
    line = ("evaluate", *clips, "--attack", "quick", "--eps", "2,8", "--out", "run", "--no-alarms")
    done = advvid(*line)
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    told = " ".join(done.out.split())
    assert "ATTACKS WERE TARGETED: each was to make a clip look like a class drawn for it" in told
    assert "left out random-noise: cannot be targeted" in told
    assert "this accuracy is not robust accuracy" in told
    assert told.index("targeted success eps 0 eps 2 eps 8") < told.index("accuracy eps 0 eps 2")
    page = (tmp_path / "run" / "table.md").read_text()
    assert "under targeted attack" in page
    assert "ATTACKS WERE TARGETED" in page
    assert "% ATTACKS WERE TARGETED" in (tmp_path / "run" / "table.tex").read_text()
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["target"] == "random"
    assert (tmp_path / "run" / "comparison.gif").exists()
    done = advvid("attack", *clips, "--attack", "pgd:max_iter=1", "--eps", "1", "--out", "clips")
    assert done.code == 0, done.err
    assert "clips become their target" in done.out
    rows = json.loads((tmp_path / "clips" / "results.json").read_text())["clips"]
    assert [row["target"] for row in rows] == results["targets"]
    assert [row["label"] for row in rows] == results["labels"]
    other = advvid(*line[:4], "least-likely", *line[5:], "--resume")
    assert other.code == 2
    assert "target" in other.err
