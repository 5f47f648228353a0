import json
import signal
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from advvid.attacks import StepSizeLaw
from advvid.step_size.surface import StepSizeSurface
from tests.cli.run_command import CommandRunner, run_process, start_process
from tests.cli.sample_video import write_video

FRESH = ("--weights", "none", "--eps", "2,4,8", "--steps", "2", "--clips", "4", "--device", "cpu")


def is_png(path: Path) -> bool:
    head = path.read_bytes()[:24]
    return head[:8] == b"\x89PNG\r\n\x1a\n" and min(struct.unpack(">II", head[16:24])) > 300


@pytest.mark.slow
def test_default_run_shows_what_the_paper_saw(tmp_path: Path) -> None:
    """The main job of the README: no argument, no download."""
    done = run_process(tmp_path, "sweep-step-size")
    assert done.code == 0, done.err
    assert "law: step = " in done.out
    assert "95%" in done.out
    (folder,) = (tmp_path / "runs").iterdir()
    surface = StepSizeSurface.load(folder / "surface.npz")
    assert surface.losses.shape == (7, 12 + 4, 11, 16)
    final = surface.loss[..., -1]
    # Flat for alpha >= 2 eps.
    flat = final[:, -2:]
    assert (np.ptp(flat, axis=1) <= 0.01 * flat.max(axis=1)).all()
    # A ridge: clearly weaker below the optimum and above it, for budgets that fool the model.
    for row in final:
        assert row.argmax() not in (0, len(row) - 1)
        assert row[0] < 0.9 * row.max()
        assert row[-1] < 0.95 * row.max()
    assert f"{surface.gradients} gradients and {surface.forwards} forwards a clip" in done.out
    results = json.loads((folder / "results.json").read_text())
    for row in results["best"]:
        low, high = row["step_size_interval"]
        assert low < row["step_size"] < high
        assert 0 < row["resolution"] < 0.3
    assert results["law"]["resolution"] == max(row["resolution"] for row in results["best"])
    assert results["law"]["r_squared"] >= 0.8
    assert results["law"]["slope"] > 0
    np.testing.assert_allclose(results["loss"], surface.loss)
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == 2 * 7 + 1
    assert all(is_png(p) for p in pictures)
    config = json.loads((folder / "config.json").read_text())
    assert config["settings"]["seed"] == 0
    assert config["settings"]["found"]["device"] in ("cpu", "cuda:0", "cuda")
    assert "torch" in config["versions"]


def test_own_options_and_law_file(advvid: CommandRunner, tmp_path: Path) -> None:
    done = advvid(
        "sweep-step-size",
        *FRESH,
        "--alphas",
        "0.5,1,2",
        "--refine",
        "0",
        "--law",
        "law.json",
        "--out",
        "run",
        "--random-start",
        "--loss",
        "cw",
        "--labels",
        "predicted",
        "--figures",
        "svg",
    )
    assert done.code == 0, done.err
    figures = sorted(path.name for path in (tmp_path / "run").glob("*.*g"))
    assert len(figures) == 7
    assert {name[-4:] for name in figures} == {".svg"}
    law = StepSizeLaw.load(tmp_path / "law.json")
    assert law == StepSizeLaw.load(tmp_path / "run" / "law.json")
    surface = StepSizeSurface.load(tmp_path / "run" / "surface.npz")
    np.testing.assert_allclose(surface.step_sizes * 255, [[0.5, 1, 2]] * 3)
    np.testing.assert_allclose(surface.eps * 255, [2, 4, 8])
    assert surface.correct[:, :, 0].all()


def test_one_video_is_labeled_by_the_model(advvid: CommandRunner, tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4")
    done = advvid("sweep-step-size", *FRESH, "--data", "clip.mp4", "--out", "run")
    assert done.code == 0, done.err
    assert "own predictions" in done.out
    surface = StepSizeSurface.load(tmp_path / "run" / "surface.npz")
    assert surface.losses.shape[3] == 4


def test_bad_videos_are_listed_and_counted(advvid: CommandRunner, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / "videos" / name).mkdir(parents=True)
        for i in range(4):
            write_video(tmp_path / "videos" / name / f"{i}.mp4", seed=i)
    (tmp_path / "videos" / "a" / "0.mp4").write_text("not a video")
    common = (
        "sweep-step-size",
        *FRESH,
        "--data",
        "folder:videos",
        "--split",
        "all",
        "--labels",
        "predicted",
        "--clips",
        "7",
    )
    failed = advvid(*common, "--out", "no")
    assert failed.code == 2
    assert "0.mp4" in failed.err
    assert not (tmp_path / "no").exists()
    done = advvid(*common, "--on-bad-video", "skip", "--out", "run")
    assert done.code == 0, done.err
    assert "0.mp4" in done.out
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert [Path(s["path"]).name for s in config["settings"]["found"]["skipped"]] == ["0.mp4"]


@pytest.mark.slow
def test_kill_and_resume_give_the_numbers_of_an_unbroken_run(
    advvid: CommandRunner, tmp_path: Path
) -> None:
    common = ["sweep-step-size", *FRESH, "--clips", "32", "--alphas", "0.2x,0.5x,1x,2x"]
    started = start_process(tmp_path, *common, "--out", "killed")
    part = tmp_path / "killed" / "part.npz"
    while not part.exists() and started.poll() is None:
        time.sleep(0.01)
    started.kill()
    assert started.wait() == -signal.SIGKILL
    assert part.exists()
    other = advvid(*common, "--resume", "--out", "killed", "--steps", "3")
    assert other.code == 2
    assert "steps" in other.err
    assert advvid(*common, "--resume", "--out", "killed").code == 0
    assert advvid(*common, "--out", "whole").code == 0
    killed, whole = (
        StepSizeSurface.load(tmp_path / d / "surface.npz") for d in ("killed", "whole")
    )
    np.testing.assert_allclose(killed.losses, whole.losses, rtol=1e-5)
    assert not part.exists()


def test_ctrl_c_says_how_to_resume(
    advvid: CommandRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("advvid.step_size.sweep_step_size", interrupted)
    done = advvid("sweep-step-size", *FRESH, "--out", "run")
    assert done.code == 130
    assert "--out run --resume" in done.err
    assert len(done.err.strip().splitlines()) == 1
    monkeypatch.undo()
    assert advvid("sweep-step-size", *FRESH, "--out", "run", "--resume").code == 0
    assert (tmp_path / "run" / "results.json").exists()


def test_resume_needs_a_run(advvid: CommandRunner, tmp_path: Path) -> None:
    assert "--out" in advvid("sweep-step-size", *FRESH, "--resume").err
    done = advvid("sweep-step-size", *FRESH, "--resume", "--out", "nothing")
    assert done.code == 2
    assert "no run to resume" in done.err


def test_classes_are_matched_by_name(advvid: CommandRunner, tmp_path: Path) -> None:
    """A folder with two of the ten classes of a trained model gets the model's labels."""
    import advvid as package
    from advvid.models import save_weights

    model = package.load_model("motions-r3d", weights="none")
    names = tuple("abcdefghij")
    save_weights(model, tmp_path / "w.safetensors", classes=names)
    for name in ("c", "h"):
        (tmp_path / "videos" / name).mkdir(parents=True)
        for i in range(2):
            write_video(tmp_path / "videos" / name / f"{i}.mp4", seed=i)
    (tmp_path / "strange" / "unheard").mkdir(parents=True)
    write_video(tmp_path / "strange" / "unheard" / "0.mp4")
    common = ("sweep-step-size", *FRESH[2:], "--weights", "w.safetensors", "--split", "all")
    done = advvid(*common, "--data", "folder:videos", "--out", "run")
    assert done.code == 0, done.err
    model.load_state_dict(
        package.load_model("motions-r3d", weights=tmp_path / "w.safetensors").state_dict()
    )
    dataset = package.load_dataset(
        "folder:" + str(tmp_path / "videos"), split="all", frames=8, size=32
    )
    clips, labels = dataset.sample(4, seed=0)
    wanted = torch.tensor([names.index(dataset.classes[i]) for i in labels])
    losses = torch.nn.functional.cross_entropy(model.eval()(clips), wanted, reduction="none")
    surface = StepSizeSurface.load(tmp_path / "run" / "surface.npz")
    np.testing.assert_allclose(surface.losses[0, 0, 0], losses.detach(), rtol=1e-4)
    strange = advvid(*common, "--data", "folder:strange", "--out", "run2", "--clips", "1")
    assert strange.code == 2
    assert "unheard" in strange.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--eps", "0"], "above 0 and at most 255"),
        (["--eps", "300"], "at most 255"),
        (["--eps", "1,x"], "'x'"),
        (["--alphas", "0.1x,2"], "not both"),
        (["--alphas", "-1"], "above 0"),
        (["--steps", "0"], "--steps"),
        (["--refine", "-1"], "--refine"),
        (["--clips", "0"], "--clips"),
        (["--model", "motion-r3d"], "motions-r3d"),
        (["--weights", "missing.pt"], "missing.pt"),
        (["--data", "folder:nowhere"], "nowhere"),
        (["--data", "folder:empty"], "empty"),
        (["--data", "nowhere.mp4"], "nowhere.mp4"),
        (["--data", "text.avi"], "text.avi"),
        (["--out", "taken"], "not empty"),
        (["--out", "text.avi"], "is a file"),
        (["--out", "/proc/nowhere/run"], "cannot write"),
        (["--law", "empty"], "cannot be written"),
        (["--law", "no/where.json"], "cannot be written"),
        (["--law", "law.json", "--eps", "8,8"], "2 different budgets"),
        (["--alphas", "1,nan"], "'nan'"),
        (["--alphas", "inf"], "'inf'"),
        (["--loss", "l2"], "ce, dlr, cw"),
        (["--labels", "guessed"], "true or predicted"),
        (["--device", "gpu0"], "gpu0"),
        (["--precision", "fp8"], "bf16"),
        (["--frames", "0"], "frames"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    advvid: CommandRunner, tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "kept.txt").write_text("mine")
    (tmp_path / "text.avi").write_text("not a video")
    done = advvid("sweep-step-size", *FRESH, *arguments)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert (tmp_path / "taken" / "kept.txt").read_text() == "mine"
    assert not (tmp_path / "runs").exists()


def test_debug_shows_where(advvid: CommandRunner) -> None:
    with pytest.raises(ValueError, match="--eps"):
        advvid("sweep-step-size", "--eps", "0", "--debug")
