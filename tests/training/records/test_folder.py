import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from advvid.data.video.bad_video import BadVideo
from advvid.errors import InputError
from advvid.runs.run_folder import RunFolder
from advvid.training import TrainSettings, train
from advvid.training.records.folder import TrainingFolder
from advvid.training.records.history import EpochRecord, History
from tests.training.stand_ins import TinyNet, ToyClips

SHAPE = (3, 2, 8, 8)


def _folder(path: Path) -> TrainingFolder:
    return TrainingFolder(path, classes=("red", "green", "blue"), input_shape=SHAPE)


def test_results_count_and_list_what_was_skipped(tmp_path: Path) -> None:
    history = History(
        [
            EpochRecord(1, 1.5, 0.25, 1.0, 0.5, 0.1, 2.0),
            EpochRecord(2, 1.0, 0.5, 0.9, 0.75, 0.1, 3),
        ],
        [BadVideo("a.avi", "broken")],
    )
    folder = _folder(tmp_path / "run")
    folder.write_epoch(TinyNet(), history, finished=False)
    written = json.loads((tmp_path / "run" / "results.json").read_text())
    assert written == {
        "epochs": 2,
        "finished": False,
        "train_loss": 1.0,
        "train_top1": 0.5,
        "val_loss": 0.9,
        "val_top1": 0.75,
        "lr": 0.1,
        "seconds": 5.0,
        "warnings": [],
        "skipped_videos": 1,
        "skipped": [{"path": "a.avi", "reason": "broken"}],
    }
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "results.json",
        "history.csv",
        "history.json",
        "learning_curve.png",
        "model.safetensors",
    }


def test_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        _folder(tmp_path).open_run([TinyNet()], resume=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_place_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="cannot write"):
        _folder(tmp_path / "file" / "run").start({})


def test_full_disk_is_said_before_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(InputError, match="free space"):
        _folder(tmp_path / "run").open_run([TinyNet()], resume=False)
    assert not (tmp_path / "run").exists()


def test_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run to resume"):
        _folder(tmp_path).open_run([TinyNet()], resume=True)


def test_a_run_killed_before_its_first_checkpoint_leaves_the_folder_free(tmp_path: Path) -> None:
    out = tmp_path / "run"
    settings = TrainSettings(epochs=1, batch_size=6)
    # What a kill between the settings and the first checkpoint leaves.
    RunFolder(out, "train", {"lr": 1.0})
    (out / ".advvid-abcd1234-checkpoint.pt").write_bytes(b"half")
    train(TinyNet(), ToyClips(12), settings=settings, out=out, device="cpu")
    assert json.loads((out / "config.json").read_text())["settings"]["lr"] == settings.lr
    assert not (out / ".advvid-abcd1234-checkpoint.pt").exists()
    for command, extra in (("evaluate", None), ("train", "notes.txt")):
        other = tmp_path / command
        RunFolder(other, command, {})
        if extra is not None:
            (other / extra).write_text("mine")
        with pytest.raises(InputError, match="not empty"):
            train(TinyNet(), ToyClips(12), settings=settings, out=other, device="cpu")
