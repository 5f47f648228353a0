import json
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from advvid.cli.app import main
from tests.stopping_net import stopped_when

ROOT = Path(__file__).resolve().parents[2]
QUICK = (
    "--model",
    "tests.training.stand_ins:TinyNet",
    "--frames",
    "4",
    "--size",
    "16",
    "--epochs",
    "2",
    "--batch-size",
    "4",
    "--device",
    "cpu",
)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes, four training and two validation videos each, one of them a text file."""
    root = tmp_path_factory.mktemp("videos")
    rng = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        for channel, name in enumerate(("red", "green", "blue")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                _write_video(folder / f"{index}.mp4", channel, rng)
    (root / "train" / "red" / "0.mp4").write_text("no video at all")
    return root


def _write_video(path: Path, channel: int, rng: np.random.Generator) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for _ in range(6):
            pixels = rng.integers(0, 100, size=(24, 32, 3), dtype=np.uint8)
            pixels[..., channel] += 150
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["advvid", "train", *map(str, arguments)])
    monkeypatch.chdir(ROOT)
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_trains_on_a_folder_of_videos_and_lists_what_it_skipped(
    videos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    options = (*QUICK, "--data", f"folder:{videos}", "--on-bad-video", "skip", "--out", out)
    assert command(monkeypatch, *options) == 0
    shown = capfd.readouterr()
    assert "epoch 2/2" in shown.err
    assert "(chance 0.333)" in shown.out
    assert "cannot be read as they were recorded: 1\n  skipped " in shown.out
    assert "red/0.mp4" in shown.out
    results = json.loads((out / "results.json").read_text())
    assert results["finished"]
    assert results["skipped_videos"] == 1
    config = json.loads((out / "config.json").read_text())
    assert config["settings"]["flip"] is True
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.pt",
        "config.json",
        "history.csv",
        "history.json",
        "learning_curve.png",
        "model.safetensors",
        "results.json",
    }

    weights = (out / "model.safetensors").read_bytes()
    assert command(monkeypatch, *options) == 2
    told = capfd.readouterr().err
    assert re.fullmatch(r"advvid: .* holds the results of a finished run: .*--out DIR.*\n", told)
    assert command(monkeypatch, *options, "--resume", "--lr", "0.5") == 2
    assert "lr (run: 0.001, now: 0.5)" in capfd.readouterr().err
    assert command(monkeypatch, *options, "--resume", "--no-flip") == 2
    assert "flip (run: True, now: False)" in capfd.readouterr().err
    assert command(monkeypatch, *options, "--resume") == 0
    assert (out / "model.safetensors").read_bytes() == weights


def test_bad_video_stops_the_run_in_one_line(
    videos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    options = (*QUICK, "--data", f"folder:{videos}", "--out", tmp_path / "run", "--workers", 1)
    assert command(monkeypatch, *options) == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert re.match(r"advvid: cannot read video .*0.mp4", last)


def test_ctrl_c_says_how_to_resume(
    videos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    options: tuple[str, ...] = ("--model", "tests.stopping_net:StoppingNet")
    options += ("--data", f"folder:{videos}", "--on-bad-video", "skip", "--out", str(out))
    with stopped_when((out / "checkpoint.pt").exists):
        assert command(monkeypatch, *QUICK, *options) == 130
    last = capfd.readouterr().err.splitlines()[-1]
    assert last == f"advvid: stopped; to resume: the same command, --out {out} --resume"
    assert command(monkeypatch, *QUICK, *options, "--resume") == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--epochs", 0), "--epochs must be a whole number of at least 1; got 0"),
        (("--schedule", "linear"), "schedule must be one of cosine, step, constant"),
        (("--resume",), "--resume needs the folder of the run"),
        (("--devices", 0), "--devices must be a whole number of at least 1; got 0"),
    ],
)
def test_invalid_arguments_are_one_line(
    options: tuple[object, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, *options) == 2
    shown = capfd.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_help_fits_80_columns() -> None:
    code = "import sys; sys.argv[0] = 'advvid'; from advvid.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "80", "PATH": "", "TERM": "dumb"},
    )
    assert max(map(len, done.stdout.splitlines())) <= 80
    for option in ("--head-lr", "--resume", "--batch-norm"):
        assert option in done.stdout
    # No option's help is cut off.
    assert "…" not in done.stdout
