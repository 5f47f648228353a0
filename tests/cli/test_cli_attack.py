import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor, nn

import advvid as package
from advvid.data import to_unit
from advvid.data.video import read_frames, video_info
from tests.cli.run_command import CommandRunner
from tests.cli.sample_video import write_video


def test_writes_lossless_video_arrays_and_a_picture(advvid: CommandRunner, tmp_path: Path) -> None:
    done = advvid("attack", "--clips", "3", "--eps", "8", "--batch-size", "2", "--out", "run")
    assert done.code == 0, done.err
    assert "3 of 3 clips that were right are fooled, 3 after rounding to 8 bits" in done.out
    run = tmp_path / "run"
    results = json.loads((run / "results.json").read_text())
    assert [row["success"] for row in results["clips"]] == [True] * 3
    for i, row in enumerate(results["clips"]):
        arrays = np.load(run / f"{i:04d}.npz")
        clean, adversarial = arrays["clean"], arrays["adversarial"]
        assert clean.dtype == adversarial.dtype == np.float32
        assert clean.shape == (3, 8, 32, 32)
        assert np.abs(adversarial - clean).max() <= 8 / 255 + 1e-6
        assert row["linf"] == pytest.approx(np.abs(adversarial - clean).max() * 255, rel=1e-5)
        video = read_frames(run / row["file"], range(8))
        np.testing.assert_array_equal(
            np.asarray(video), np.round(adversarial * 255).astype(np.uint8)
        )
    assert getattr(Image.open(run / "comparison.gif"), "n_frames", 1) == 8


def test_a_video_file_is_attacked_away_from_its_own_prediction(
    advvid: CommandRunner, tmp_path: Path
) -> None:
    write_video(tmp_path / "mine.mp4", seed=1)
    before = (tmp_path / "mine.mp4").read_bytes()
    done = advvid("attack", "--data", "mine.mp4", "--eps", "16", "--out", "run")
    assert done.code == 0, done.err
    assert "own predictions" in done.out
    assert (tmp_path / "mine.mp4").read_bytes() == before
    assert (tmp_path / "run" / "0000.mkv").exists()


def test_a_target_is_reached_by_name_or_number(advvid: CommandRunner, tmp_path: Path) -> None:
    classes = package.load_dataset("motions").classes
    for i, target in enumerate((classes[4], "4")):
        done = advvid(
            "attack",
            "--attack",
            "pgd:max_iter=40",
            "--eps",
            "16",
            "--target",
            target,
            "--clips",
            "2",
            "--out",
            f"run{i}",
        )
        assert done.code == 0, done.err
        results = json.loads((tmp_path / f"run{i}" / "results.json").read_text())
        assert [row["adversarial"] for row in results["clips"]] == [4, 4]
        assert all(row["success"] for row in results["clips"])


def test_clips_that_were_wrong_before_are_no_success(advvid: CommandRunner, tmp_path: Path) -> None:
    # Weights of chance: hardly a clip is right.
    arguments = ("--model", "tests.cli.test_cli_attack:always_first", "--clips", "10")
    done = advvid("attack", *arguments, "--attack", "random-noise", "--out", "run")
    assert done.code == 0, done.err
    rows = json.loads((tmp_path / "run" / "results.json").read_text())["clips"]
    wrong = [row for row in rows if row["predicted"] != row["label"]]
    assert len(wrong) == 9
    assert not any(row["success"] or row["success_8bit"] for row in rows)
    assert "0 of 1 clips that were right are fooled (9 wrong before), 0 after" in done.out
    assert done.out.count("(wrong before)") == 9
    # Every clip looks like class 0 already: nothing becomes it.
    done = advvid("attack", *arguments, "--target", "0", "--attack", "pgd:max_iter=1")
    assert "0 of 0 clips become left (10 were before), 0 after" in done.out


def always_first(num_classes: int = 10) -> nn.Module:
    """A model that calls everything class 0."""

    class First(nn.Module):
        num_classes = 10

        def forward(self, clips: Tensor) -> Tensor:
            return nn.functional.pad(clips.mean(dim=(1, 2, 3, 4))[:, None] + 1, (0, 9))

    return First()


def test_the_frames_that_carry_the_change_are_named(advvid: CommandRunner, tmp_path: Path) -> None:
    write_video(tmp_path / "mine.mp4", frames=40)
    attack = "frame-saliency:method=iterative,max_iter=5"
    done = advvid("attack", "--data", "mine.mp4", "--attack", attack, "--eps", 16, "--out", "run")
    assert done.code == 0, done.err
    (row,) = json.loads((tmp_path / "run" / "results.json").read_text())["clips"]
    assert row["video"] == "mine.mp4"
    assert row["frames"] == [2, 7, 12, 17, 22, 27, 32, 37]
    arrays = np.load(tmp_path / "run" / "0000.npz")
    change = np.abs(arrays["adversarial"] - arrays["clean"]).max(axis=(0, 2, 3))
    assert row["changed_frames"] == np.flatnonzero(change).tolist()
    assert row["changed_video_frames"] == [row["frames"][t] for t in row["changed_frames"]]
    shown = ", ".join(map(str, row["changed_video_frames"]))
    assert f"changed: {shown} of mine.mp4, counted from 0" in done.out


def test_a_whole_video_holds_the_attack_and_is_read_again(
    advvid: CommandRunner, tmp_path: Path
) -> None:
    write_video(tmp_path / "mine.mp4", frames=20)
    arguments = ("--data", "mine.mp4", "--eps", 16, "--full-video", "--out", "run")
    done = advvid("attack", *arguments)
    assert done.code == 0, done.err
    run = tmp_path / "run"
    (row,) = json.loads((run / "results.json").read_text())["clips"]
    info, own = video_info(run / row["full_video"]), video_info(tmp_path / "mine.mp4")
    assert (info.frames, round(info.fps)) == (own.frames, round(own.fps)) == (20, 10)
    before = read_frames(tmp_path / "mine.mp4", range(20)).int()
    after = read_frames(run / row["full_video"], range(20)).int()
    assert after.shape == before.shape == (3, 20, 40, 48)
    differs = (after - before).abs().amax(dim=(0, 2, 3))
    assert differs.max() <= 16
    assert differs.nonzero().flatten().tolist() == row["changed_video_frames"]
    # What counts is what the model says of the file that was written.
    classifier = package.VideoClassifier(package.load_model("motions-r3d"))
    again = package.load_dataset(str(run / row["full_video"]), frames=8, size=32)
    seen = int(classifier.logits(to_unit(again.clip(0)[0][None])).argmax())
    assert row["full_video_adversarial"] == seen
    assert row["success_full_video"] == (seen != row["label"])
    count = int(row["success_full_video"])
    assert f"{count} of 1 succeed when their clip is read from the whole video" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--attack", "paper"], "unknown attack"),
        (["--attack", "pdg"], "did you mean pgd"),
        (["--attack", "masked-pgd:ratio=0"], "ratio must be above 0"),
        (["--attack", "frame-border:ratio=1.5"], "at most 1"),
        (["--attack", "pgd:max_iter=0"], "max_iter"),
        (["--attack", "torchattacks/PGDL2"], "bounds the L2 norm"),
        (["--attack", "pgd:targeted=yes"], "no setting 'targeted'"),
        (["--target", "nothing-like-it"], "has no class"),
        (["--target", "11"], "has no class"),
        (["--eps", "0"], "above 0"),
        (["--fps", "0"], "--fps"),
        (["--data", "missing.mp4"], "missing.mp4"),
        (["--out", "taken"], "not empty"),
        (["--full-video"], "not taken from video files"),
        (["--attack", "random-noise", "--target", "1"], "targeted"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    advvid: CommandRunner, tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "kept.txt").write_text("mine")
    done = advvid("attack", *arguments)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert (tmp_path / "taken" / "kept.txt").read_text() == "mine"


@pytest.mark.parametrize("eps", ["8", "8/255"])
def test_two_budgets_are_not_one(advvid: CommandRunner, tmp_path: Path, eps: str) -> None:
    done = advvid("attack", "--attack", "pgd:eps=4/255", "--eps", eps, "--out", "run")
    assert done.code == 2
    assert f"--eps {eps} and pgd:eps=4/255 are two budgets" in done.err
    assert not (tmp_path / "run").exists()


def test_the_budget_of_the_text_is_the_one_that_is_used(
    advvid: CommandRunner, tmp_path: Path
) -> None:
    same = ("--attack", "pgd:eps=2/255,max_iter=2", "--clips", "1", "--eps", "2/255")
    done = advvid("attack", *same, "--out", "run")
    assert done.code == 0, done.err
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["settings"]["eps"] == pytest.approx(2)
