"""A training run that dies while it touches a file, and is started again as its user is told."""

import json
from pathlib import Path

from advvid.training import TrainSettings, train
from tests.runs.moments import content_of, watched
from tests.training.stand_ins import TinyNet, ToyClips

SETTINGS = TrainSettings(epochs=1, batch_size=6, checkpoint_every=1)


def run(out: Path, *, resume: bool = False) -> None:
    data = ToyClips(12), ToyClips(6)
    train(TinyNet(), *data, settings=SETTINGS, out=out, resume=resume, device="cpu")


def outcome(folder: Path) -> dict[str, bytes]:
    """All that a run leaves, without what tells the time; checkpoints by their names alone."""
    found = content_of(folder)
    for name in found:
        if name.startswith(("checkpoint", "history", "results", "config")):
            found[name] = b""
    return found


def test_every_moment_ends_in_the_same_files(tmp_path: Path) -> None:
    whole = tmp_path / "run"
    with watched(whole, tmp_path / "copies") as moments:
        run(whole)
    expected = outcome(whole)
    losses = [row["val_loss"] for row in json.loads((whole / "history.json").read_text())]
    assert not any(name.startswith(".") for name in expected)
    begun = [moment for moment in moments if (moment / "checkpoint.pt").exists()]
    # Drawing takes most of the time: of the moments after the first checkpoint a fifth will do.
    for moment in [one for one in moments if one not in begun] + begun[::5]:
        run(moment, resume=moment in begun)
        assert outcome(moment) == expected, moment.name
        rows = json.loads((moment / "history.json").read_text())
        assert [row["val_loss"] for row in rows] == losses
    assert len(moments) - len(begun) >= 3
    assert len(begun) >= 12
