"""`advvid train --defense`, `advvid defenses` and `advvid reproduce`."""

import json
from pathlib import Path

import pytest

from tests.cli.run_command import CommandRunner

QUICK = (
    "train",
    "--model",
    "tests.training.stand_ins:TinyNet",
    "--data",
    "motions:40",
    "--frames",
    "4",
    "--size",
    "16",
    "--epochs",
    "2",
    "--batch-size",
    "10",
    "--device",
    "cpu",
    "--val-clips",
    "10",
    "--val-steps",
    "2",
)


@pytest.mark.parametrize(
    ("options", "files"),
    [
        (("at", "--eps", "4", "--attack-steps", "2", "--step-rule", "half"), ()),
        (("cat", "--attack-steps", "list:1:2", "--eps", "cosine:0:12"), ("budgets.png",)),
        (
            ("aat", "--eps", "0,4", "--attack-steps", "1", "--held-out", "10"),
            ("adaptive_distribution.png",),
        ),
        (("aat", "--attack", "pgd:max_iter=1", "--attack", "random-noise", "--eps", "8"), ()),
        (("free", "--replays", "2", "--ema", "0.9"), ()),
        (("aat:update_every=1,eps=0/4,held_out=10", "--attack-steps", "1"), ()),
        (("tests.cli.noise_defense:NoiseTraining:strength=4",), ()),
    ],
)
def test_trains_and_keeps_the_best(
    advvid: CommandRunner, tmp_path: Path, options: tuple[str, ...], files: tuple[str, ...]
) -> None:
    out = tmp_path / "run"
    done = advvid(*QUICK, "--defense", *options, "--out", str(out))
    assert done.code == 0, done.err
    assert "kept the weights of epoch" in done.out
    assert "under attack" in done.out
    results = json.loads((out / "results.json").read_text())
    assert results["finished"]
    for name in ("generalization_gap.png", *files):
        assert (out / name).exists()
    rows = json.loads((out / "history.json").read_text())
    robust = [row["val_robust_top1"] for row in rows]
    assert len(robust) == 2
    assert robust[results["kept_epoch"] - 1] == max(robust)
    again = advvid(*QUICK, "--defense", *options, "--out", str(out), "--resume")
    assert again.code == 0, again.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--defense", "att"), "did you mean"),
        (("--eps", "8"), "--eps goes with a defense"),
        (("--defense", "at", "--beta", "3"), "--beta means nothing for --defense at"),
        (("--defense", "at:beta=3"), "at has no setting 'beta'"),
        (("--defense", "at:eps=4", "--eps", "8"), "--defense at:eps=8"),
        (("--defense", "none:eps=8"), "--eps goes with a defense"),
        (("--defense", "tests.cli.noise_defense:Nothing"), "Nothing"),
        (("--defense", "at", "--eps", "300"), "from 0 to 255"),
        (("--defense", "at", "--eps", "line:0:8"), "schedule"),
        (("--defense", "at", "--step-rule", "best"), "unknown step rule"),
        (("--defense", "at", "--attack-steps", "0"), "whole numbers from 1"),
        (("--defense", "at", "--attack", "pdg"), "pgd"),
        (("--defense", "at", "--clean-share", "1"), "--clean-share must be"),
        (("--defense", "at", "--val-eps", "-1"), "--val-eps"),
        (("--defense", "cat", "--direction", "left"), "up, down"),
        (("--nodes", "0"), "--nodes"),
        (("--accumulate", "0"), "accumulate"),
        (("--ema", "1"), "ema"),
    ],
)
def test_invalid_arguments_are_one_line_and_exit_code_2(
    advvid: CommandRunner, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    done = advvid(*QUICK, *options, "--out", str(tmp_path / "run"))
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_table_row_by_row(advvid: CommandRunner, tmp_path: Path) -> None:
    out = tmp_path / "tables"
    command = (
        "reproduce",
        "table1",
        "--epochs",
        "1",
        "--clips",
        "10",
        "--autoattack-clips",
        "2",
        "--data",
        "motions:64",
        "--device",
        "cpu",
        "--out",
        str(out),
    )
    done = advvid(*command, "--rows", "benign")
    assert done.code == 0, done.err
    assert "not finished" in done.out
    assert "72.9" in done.out
    row = json.loads((out / "benign" / "row.json").read_text())
    assert row["clips"] == 10
    assert len(row["pgd"]) == len(row["auto"]) == 5
    assert (out / "table1.png").exists()
    before = (out / "benign" / "row.json").read_bytes()
    refused = advvid(*command, "--rows", "benign")
    assert refused.code == 2
    again = advvid(*command, "--rows", "benign", "--resume")
    assert again.code == 0
    assert (out / "benign" / "row.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("table3",), "did you mean table2 or table1?"),
        (("table1", "--rows", "at-8"), "did you mean"),
        (("table1", "--scale", "huge"), "small or ucf101"),
        (("table1", "--scale", "ucf101"), "--data ucf101:DIR"),
        (("table1", "--clips", "0"), "--clips"),
    ],
)
def test_a_table_that_cannot_be(
    advvid: CommandRunner, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = advvid("reproduce", *arguments, "--out", str(tmp_path / "tables"))
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
