"""Wrong values at the public doors of the data room: one line each, nothing silently used."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from advvid.data import DatasetClips, clip_loader, load_dataset, read_frames
from advvid.errors import InputError
from advvid.training import TrainSettings, train

WRONG: tuple[Any, ...] = (
    *(None, True, math.nan, math.inf, -1, 0, 10**40, "8", "", b"8", [], [8], (8,), {}, {8}),
    *(1.5, 2j, object(), int, np.array([1, 2]), torch.ones(2), "\0", "x" * 100_000, "\ud800"),
)
TEXTS = (
    *("dense:stride", "dense:stride=", "dense:stride=²", "dense:stride=nan"),
    *(
        "dense:stride=1e9",
        "dense:stride=0",
        "dense:stride=" + "9" * 5000,
        "dense:stride=1,stride=1",
    ),
    *("uniform:stride=2", "dense:[", "a.b:C", "os.path:join", "os:PathLike", ":", "::", "[", "\0"),
    *("builtins:int", "\ud800", "x" * 100_000, "dense:stride=[1", "torch:Tensor", "crop:size=x"),
)
# Values of WRONG that an option takes.
FINE: dict[str, tuple[Any, ...]] = {
    "fold": (None,),
    "frames": (None,),
    "size": (None,),
    "stride": (None,),
    "short_side": (None,),
    "augment": (None, [], {}, ""),
    "decoder": (None,),
    "flip": (True,),
    "seed": (0, 10**40),
}


def refused(call: Callable[..., Any], *given: Any, **options: Any) -> None:
    with pytest.raises(InputError) as caught:
        call(*given, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 2100
    message.encode()


@pytest.fixture(scope="module")
def motions() -> Any:
    return load_dataset("motions")


@pytest.mark.parametrize(
    "name",
    [
        *("split", "fold", "frames", "size", "sampling", "stride", "clips_per_video", "short_side"),
        *("flip", "augment", "decoder", "on_bad_video", "seed"),
    ],
)
def test_options_of_wrong_types_and_ranges(name: str) -> None:
    for value in WRONG:
        if not any(type(value) is type(fine) and value == fine for fine in FINE.get(name, ())):
            refused(load_dataset, "motions", **{name: value})


@pytest.mark.parametrize("name", ["sampling", "augment", "decoder"])
def test_texts_that_are_no_method(name: str, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    video.touch()
    for text in TEXTS:
        refused(load_dataset, str(video), **{name: text})


def test_specs_that_are_none() -> None:
    nul = ("folder:\0", "csv:\0", "ucf11:\0", "ucf101:" + "x" * 100_000, "motions:²")
    for value in (*WRONG, *nul):
        refused(load_dataset, value)
    for text in ("csv:" + "x" * 100_000, "folder:" + "x" * 100_000, "a.b:c", "motions:-1"):
        refused(load_dataset, text, split="train")


def test_wrong_draws_and_batches(motions: Any) -> None:
    for value in WRONG:
        refused(motions.sample, value)
        if type(value) is not int or value < 0:
            refused(motions.sample, 2, seed=value)
        refused(clip_loader, motions, batch_size=value)
        if type(value) is not int or value != 0:
            refused(clip_loader, motions, batch_size=2, workers=value)
        refused(clip_loader, value, batch_size=2)
    refused(motions.subset, [0, 1000])
    refused(motions.subset, "abc")
    refused(motions.subset, [0.5])
    refused(motions.subset, [[0]])


def test_wrong_tables_of_labels(motions: Any) -> None:
    for table in (
        torch.zeros(10),
        torch.zeros(2, 10, dtype=torch.int64),
        torch.zeros(9, dtype=torch.int64),
        torch.zeros((), dtype=torch.int64),
        torch.zeros(10, dtype=torch.bool),
        [0] * 10,
    ):
        refused(DatasetClips, motions, 4, table=table)


def test_wrong_frames(tmp_path: Path) -> None:
    for value in WRONG:
        refused(read_frames, value, [0])
        refused(read_frames, tmp_path / "gone.mp4", value)


def test_an_augmentation_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    data = load_dataset("motions:64", split="train", augment="crop:size=99")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 32 * 32, 10))
    with pytest.raises(InputError, match="cannot crop 99 x 99 pixels out of frames of 32 x 32"):
        train(model, data, settings=TrainSettings(epochs=1), out=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
