"""Two processes on the CPU (gloo) against one with the whole batch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from advvid.data.video.bad_video import BadVideo
from advvid.training import train
from advvid.training.records.checkpoints import load_checkpoint
from advvid.training.settings import TrainSettings
from tests.training.stand_ins import TinyNet, ToyClips

ROOT = Path(__file__).resolve().parents[2]
# 13 clips in batches of 4 over 2 processes; 3 cannot be read, so shares are uneven.
SETTINGS = TrainSettings(epochs=2, batch_size=4, lr=0.01, checkpoint_every=2, grad_clip=0.5)

SCRIPT = """
import sys
from pathlib import Path
import torch
from advvid.training import train
from tests.training.test_training_processes import DATA, SETTINGS, model
torch.set_num_threads(1)
train(model(), DATA, DATA, settings=SETTINGS, out=Path(sys.argv[1]), device="cpu", devices=2)
"""
DATA = ToyClips(13, bad=(2, 5, 6))


def model() -> TinyNet:
    # Dropout and batch statistics are those of each process, so the comparison has neither.
    return TinyNet(batch_norm=False, dropout=0)


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(folder / "two")],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder / "two"


@pytest.mark.slow
def test_two_processes_do_what_one_does(two_processes: Path, tmp_path: Path) -> None:
    one = tmp_path / "one"
    train(model(), DATA, DATA, settings=SETTINGS, out=one, device="cpu")
    expected = load_checkpoint(one / "checkpoint.pt")
    found = load_checkpoint(two_processes / "checkpoint.pt")
    for name, weights in expected.networks["classifier"].items():
        torch.testing.assert_close(found.networks["classifier"][name], weights, msg=name)
        assert not torch.equal(weights, model().state_dict()[name])
    for ours, theirs in zip(expected.history, found.history, strict=True):
        for name in ("train_loss", "train_top1", "val_loss", "val_top1", "lr"):
            assert theirs[name] == pytest.approx(ours[name], rel=1e-5)


@pytest.mark.slow
def test_skipped_videos_of_all_processes_are_listed(two_processes: Path) -> None:
    skipped = load_checkpoint(two_processes / "checkpoint.pt").skipped
    assert sorted(BadVideo(*video).path for video in skipped) == ["2.avi", "5.avi", "6.avi"]
