"""Files that hold no weights, broken ones, or code."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from advvid.errors import InputError
from advvid.models import load_model, load_weights, save_weights
from tests.models.weights.test_weights import fresh


class _Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def write_evil(path: Path, victim: Path) -> None:
    torch.save({"state_dict": {"fc.weight": torch.zeros(1)}, "extra": _Evil(victim)}, path)


def write_evil_pickle(path: Path, victim: Path) -> None:
    path.write_bytes(pickle.dumps(_Evil(victim)))


@pytest.mark.parametrize("write", [write_evil, write_evil_pickle])
def test_a_pickle_with_code_in_it_is_refused_and_not_run(
    write: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    path, victim = tmp_path / "evil.pth", tmp_path / "victim"
    write(path, victim)
    with pytest.raises(InputError, match=r"refused .*evil\.pth: .* holds .*, which could run code"):
        load_model("motions-r3d", weights=path)
    assert not victim.exists()


def test_the_crafted_pickles_would_run_code(tmp_path: Path) -> None:
    write_evil(tmp_path / "evil.pth", tmp_path / "victim")
    torch.load(tmp_path / "evil.pth", weights_only=False)
    assert (tmp_path / "victim").exists()


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "is empty"),
        (b"these are no weights\n" * 9, "cannot read"),
        (b"# Weights\n\nNone here.\n", "cannot read"),
        (b"\x00\x01\x02" * 99, "cannot read"),
    ],
)
def test_files_that_hold_no_weights(
    content: bytes | None, message: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"weights{suffix}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"{message}.*weights{suffix}|weights{suffix} {message}"):
        load_model("motions-r3d", weights=path)


def test_a_folder_and_a_truncated_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        load_model("motions-r3d", weights=tmp_path)
    for name in ("model.safetensors", "model.pt"):
        path = tmp_path / name
        if name.endswith("s"):
            save_weights(fresh(), path)
        else:
            torch.save(fresh().state_dict(), path)
        path.write_bytes(path.read_bytes()[:100_000])
        with pytest.raises(InputError, match=f"cannot read .*{name}"):
            load_model("motions-r3d", weights=path)


@pytest.mark.parametrize("content", [{}, [1, 2], {"epoch": 3}, torch.zeros(3)])
def test_files_without_a_state_dict(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"holds no state dict .*state_dict, .*model"):
        load_model("motions-r3d", weights=tmp_path / "model.pt")


@pytest.mark.parametrize(
    "change",
    [
        lambda t: torch.full_like(t, torch.nan),
        lambda t: torch.full_like(t, torch.inf),
        lambda t: t.to(torch.complex64),
    ],
)
def test_weights_that_are_no_real_numbers_are_refused(tmp_path: Path, change: Any) -> None:
    model = load_model("motions-r3d", weights="none")
    state = model.backbone.state_dict()
    state["fc.bias"] = change(state["fc.bias"])
    torch.save(state, tmp_path / "w.pth")
    before = model.backbone.state_dict()["fc.bias"].clone()
    with pytest.raises(InputError, match=r"fc\.bias"):
        load_weights(model, tmp_path / "w.pth")
    assert torch.equal(model.backbone.state_dict()["fc.bias"], before)


def test_names_that_are_no_words_and_notes_of_another_shape_are_refused(tmp_path: Path) -> None:
    torch.save({0: torch.zeros(2)}, tmp_path / "numbers.pth")
    with pytest.raises(InputError, match="no state dict"):
        load_model("motions-r3d", weights=tmp_path / "numbers.pth")
    model = load_model("motions-r3d", weights="none")
    for shape in ([3, 8], [3, "8", 32, 32], [3, 0, 32, 32], 5):
        save_weights(model, tmp_path / "short.safetensors", input_shape=shape)
        with pytest.raises(InputError, match="input_shape must be"):
            load_model("motions-r3d", weights=tmp_path / "short.safetensors")
