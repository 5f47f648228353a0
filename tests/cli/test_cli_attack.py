import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from advvid.data.video import read_frames
from tests.cli.run_command import CommandRunner
from tests.cli.sample_video import write_video


def test_writes_lossless_video_arrays_and_a_picture(advvid: CommandRunner, tmp_path: Path) -> None:
    done = advvid("attack", "--clips", "3", "--eps", "8", "--batch-size", "2", "--out", "run")
    assert done.code == 0, done.err
    assert "3 of 3 succeed" in done.out
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
    import advvid as package

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
