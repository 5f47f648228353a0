"""Checkpoints that somebody or something has changed: one line, or the same run."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from advvid.errors import InputError
from advvid.training import TrainSettings, train
from advvid.training.records.checkpoints import Checkpoint, load_checkpoint
from tests.training.stand_ins import TinyNet, ToyClips, same, weights_in

SETTINGS = TrainSettings(epochs=1, batch_size=6, patience=5, ema=0.9)
HOSTILE: tuple[Any, ...] = (
    *(None, "x" * 100_000, -1, 10**30, 0.5, True, [], {}, [[[]]], {"a": {"b": 1}}, torch.ones(3)),
    *(float("nan"), {"classifier": {}}, {"classifier": {"state": {0: {"step": "x"}}}}),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    go_on(out, resume=False)
    return out / "checkpoint.pt"


def go_on(out: Path, *, resume: bool = True) -> None:
    data = ToyClips(12), ToyClips(6)
    train(TinyNet(), *data, settings=SETTINGS, out=out, resume=resume, device="cpu")


def test_no_byte_that_is_flipped_is_used_silently(finished: Path, tmp_path: Path) -> None:
    whole, expected = finished.read_bytes(), load_checkpoint(finished)
    rng, path, refused = np.random.default_rng(0), tmp_path / "checkpoint.pt", 0
    for place in rng.choice(len(whole), size=300, replace=False):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        try:
            found = load_checkpoint(path)
        except InputError:
            refused += 1
            continue
        # The checksum itself has changed in a way that makes it none.
        assert same(found.networks["classifier"], expected.networks["classifier"])
    assert refused > 290


def test_damage_is_said_with_what_to_do(finished: Path, tmp_path: Path) -> None:
    """A byte of a weight, which torch reads as if nothing had happened."""
    path, whole = tmp_path / "checkpoint.pt", finished.read_bytes()
    place = whole.index(weights_in(finished.parent)["fc.weight"].numpy().tobytes())
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    changed = torch.load(path, weights_only=True)["networks"]["classifier"]
    assert not same(changed, weights_in(finished.parent))
    with pytest.raises(InputError, match=r"is damaged .* another folder, with `weights=.*model"):
        go_on(tmp_path)


def test_a_checkpoint_without_a_checksum_is_read_as_before(finished: Path, tmp_path: Path) -> None:
    torch.save(torch.load(finished, weights_only=True), tmp_path / "checkpoint.pt")
    found = load_checkpoint(tmp_path / "checkpoint.pt")
    assert same(found.networks["classifier"], weights_in(finished.parent))


@pytest.mark.parametrize("name", [one.name for one in fields(Checkpoint)])
def test_fields_of_any_content_are_one_line(name: str, finished: Path, tmp_path: Path) -> None:
    content = torch.load(finished, weights_only=True)
    refused = 0
    for value in HOSTILE:
        torch.save({**content, name: value}, tmp_path / "checkpoint.pt")
        try:
            go_on(tmp_path)
        except InputError:
            refused += 1
    assert refused >= len(HOSTILE) - 4
