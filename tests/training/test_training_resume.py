import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from advvid.errors import InputError
from advvid.training import train
from advvid.training.records.checkpoints import load_checkpoint
from advvid.training.settings import TrainSettings
from tests.training.stand_ins import KilledAt, TinyNet, ToyClips, same, weights_in

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = TrainSettings(epochs=3, batch_size=6, lr=0.01, checkpoint_every=2, warmup_epochs=0.5)

KILLED = """
import sys
from pathlib import Path
from advvid.training import train
from tests.training.test_training_resume import SETTINGS
from tests.training.stand_ins import KilledAt, TinyNet, ToyClips
train(TinyNet(), ToyClips(30), ToyClips(9), settings=SETTINGS, out=Path(sys.argv[1]),
      step=KilledAt(8, by_signal=True), device="cpu")
"""


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "unbroken"
    train(
        TinyNet(),
        ToyClips(30),
        ToyClips(9),
        settings=SETTINGS,
        out=out,
        step=KilledAt(),
        device="cpu",
    )
    return out


def resume_and_compare(out: Path, unbroken: Path) -> None:
    """Go on with a broken run, from another random state, and compare all that it leaves."""
    torch.manual_seed(99)
    step, model = KilledAt(), TinyNet()
    history = train(
        model,
        ToyClips(30),
        ToyClips(9),
        settings=SETTINGS,
        out=out,
        resume=True,
        step=step,
        device="cpu",
    )
    assert step.seen == 15
    assert same(weights_in(out), weights_in(unbroken))
    assert same(model.state_dict(), weights_in(unbroken))
    assert (out / "model.safetensors").read_bytes() == (unbroken / "model.safetensors").read_bytes()
    expected = load_checkpoint(unbroken / "checkpoint.pt").history
    numbers = [{k: v for k, v in row.items() if k != "seconds"} for row in history.rows()]
    assert numbers == [{k: v for k, v in row.items() if k != "seconds"} for row in expected]


@pytest.mark.parametrize("at", [0, 3, 5, 14])
def test_interrupted_anywhere_ends_in_the_same_weights(
    at: int, tmp_path: Path, unbroken: Path
) -> None:
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(
            TinyNet(),
            ToyClips(30),
            ToyClips(9),
            settings=SETTINGS,
            out=out,
            step=KilledAt(at),
            device="cpu",
        )
    saved = load_checkpoint(out / "checkpoint.pt")
    assert (saved.epoch, saved.iteration) == (at // 5, at % 5 // 2 * 2)
    resume_and_compare(out, unbroken)


def test_killed_process_ends_in_the_same_weights(tmp_path: Path, unbroken: Path) -> None:
    out = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(out)], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    # Epoch 1 is there, and what the kill would leave of a file half written does no harm.
    assert (out / "history.csv").read_text().count("\n") == 2
    (out / ".advvid-abcd1234-checkpoint.pt").write_bytes(b"half")
    resume_and_compare(out, unbroken)
    assert not (out / ".advvid-abcd1234-checkpoint.pt").exists()


def test_checkpoints_within_an_epoch_change_nothing(tmp_path: Path, unbroken: Path) -> None:
    train(
        TinyNet(),
        ToyClips(30),
        ToyClips(9),
        settings=replace(SETTINGS, checkpoint_every=0),
        out=tmp_path / "run",
        step=KilledAt(),
        device="cpu",
    )
    assert same(weights_in(tmp_path / "run"), weights_in(unbroken))


def test_a_finished_run_writes_the_files_that_are_missing(unbroken: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "checkpoint.pt").write_bytes((unbroken / "checkpoint.pt").read_bytes())
    resume_and_compare_finished(out, unbroken)


def resume_and_compare_finished(out: Path, unbroken: Path) -> None:
    train(
        TinyNet(),
        ToyClips(30),
        ToyClips(9),
        settings=SETTINGS,
        out=out,
        resume=True,
        step=KilledAt(),
        device="cpu",
    )
    for name in ("history.csv", "history.json", "results.json"):
        assert (out / name).read_text() == (unbroken / name).read_text()
    assert (out / "learning_curve.png").exists()


def test_other_settings_data_model_or_step_are_refused(unbroken: Path) -> None:
    before = (unbroken / "checkpoint.pt").read_bytes()

    def refused(message: str, **changes: object) -> None:
        arguments = {"settings": SETTINGS, "step": KilledAt(), "data": ToyClips(30), **changes}
        data = arguments.pop("data")
        with pytest.raises(InputError, match=message):
            train(TinyNet(), data, out=unbroken, resume=True, device="cpu", **arguments)  # type: ignore[arg-type]

    refused(r"lr \(run: 0.01, now: 0.5\)", settings=replace(SETTINGS, lr=0.5))
    refused("clips", data=ToyClips(33))
    refused("data", data=ToyClips(30, name="others"))
    refused("step", step=lambda *_: None)
    assert (unbroken / "checkpoint.pt").read_bytes() == before


def test_a_checkpoint_of_another_architecture_is_refused(unbroken: Path) -> None:
    with pytest.raises(InputError, match="another model"):
        train(
            TinyNet(batch_norm=False),
            ToyClips(30),
            settings=SETTINGS,
            out=unbroken,
            resume=True,
            step=KilledAt(),
            device="cpu",
        )


def test_a_folder_with_a_run_is_not_overwritten(unbroken: Path) -> None:
    before = {path.name: path.read_bytes() for path in unbroken.iterdir()}
    with pytest.raises(InputError, match=r"already holds a run .*resume=True"):
        train(TinyNet(), ToyClips(30), settings=SETTINGS, out=unbroken, device="cpu")
    assert before == {path.name: path.read_bytes() for path in unbroken.iterdir()}
