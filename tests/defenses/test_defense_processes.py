"""Two processes on the CPU (gloo) against one with the whole batch, batch norm included."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from advvid.defenses import (
    AdaptiveStep,
    AdversarialStep,
    TradesStep,
    TrainingAttack,
    budget_choices,
    hold_out,
    pgd_check,
)
from advvid.training import Step, TrainSettings, train
from advvid.training.records.checkpoints import load_checkpoint
from tests.training.stand_ins import TinyNet, ToyClips

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = TrainSettings(
    epochs=3, batch_size=6, optimizer="sgd", lr=0.02, sync_batch_norm=True, ema=0.9
)
SCRIPT = """
import sys
from pathlib import Path
import torch
from tests.defenses.test_defense_processes import STEPS, run
torch.set_num_threads(1)
for name in STEPS:
    run(name, Path(sys.argv[1]) / name, devices=2)
"""
DATA = ToyClips(30)
REST, KEPT = hold_out(DATA, 9)


def model() -> TinyNet:
    # Dropout is drawn on each process.
    return TinyNet(dropout=0)


ATTACK = TrainingAttack(max_iter=2, random_start=True)


def adaptive() -> Step:
    return AdaptiveStep(budget_choices((0.0, 0.02, 0.05), ATTACK), KEPT, every=1)


STEPS: dict[str, Callable[[], Step]] = {
    "at": lambda: AdversarialStep(ATTACK, 0.02, clean_share=0.2),
    "aat": adaptive,
    "trades": lambda: TradesStep(0.02, max_iter=2),
}


def run(name: str, out: Path, *, devices: int) -> None:
    train(
        model(),
        REST,
        DATA,
        settings=SETTINGS,
        out=out,
        step=STEPS[name](),
        device="cpu",
        devices=devices,
        robust=pgd_check(0.02, steps=2, clips=10),
    )


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1"},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_the_loss_curve_is_that_of_one_process(
    name: str, two_processes: Path, tmp_path: Path
) -> None:
    run(name, tmp_path / name, devices=1)
    expected = load_checkpoint(tmp_path / name / "checkpoint.pt")
    found = load_checkpoint(two_processes / name / "checkpoint.pt")
    assert len(expected.history) == len(found.history) == 3
    for ours, theirs in zip(expected.history, found.history, strict=True):
        for column in ("train_loss", "val_loss"):
            assert theirs[column] == pytest.approx(ours[column], abs=1e-5)
        for column in ("train_top1", "val_top1", "val_robust_top1", "seen_robust_top1"):
            assert theirs[column] == pytest.approx(ours[column])
        for column in ("probabilities", "losses"):
            if column in ours.get("step", {}):
                assert theirs["step"][column] == pytest.approx(ours["step"][column], abs=1e-5)
        assert ours.get("step", {}).get("drawn") == theirs.get("step", {}).get("drawn")
    weights = found.networks["classifier"]
    for key, value in expected.networks["classifier"].items():
        torch.testing.assert_close(weights[key], value, rtol=1e-4, atol=1e-5, msg=key)
