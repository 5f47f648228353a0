import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import advvid.data as data
from advvid.data.motions import MotionsDataset
from advvid.data.registry import load_dataset
from advvid.errors import InputError


def test_motions_is_the_default() -> None:
    dataset = load_dataset()
    assert isinstance(dataset, MotionsDataset)
    assert (len(dataset), dataset.clip_shape) == (1000, (3, 8, 32, 32))
    assert len(load_dataset("motions", split="train")) == 5000
    assert len(load_dataset("motions:70", split="train")) == 70
    assert len(load_dataset("motions:70", split="val")) == 1000
    assert load_dataset("motions", frames=4, size=16).clip_shape == (3, 4, 16, 16)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("motion", "did you mean motions"),
        ("ucf1:x", "did you mean ucf11"),
        ("kinetics", "there are motions, folder, csv, ucf11, ucf101"),
        ("motions:many", "motions:20000"),
        ("motions:0", "clips >= 1"),
        ("motions:10000000000000", "at most 10,000,000 training clips; got 1e"),
        ("motions:" + "9" * 5000, "motions takes a number of training clips"),
        ("bad\0name.mp4", "no such file"),
        ("x" * 5000 + ".mp4", "no such file"),
        ("missing.mp4", "no such file: missing.mp4"),
        ("some/where", "no such file: some/where"),
        ("folder:", "write folder:DIR"),
        ("folder:/not/here", "no such folder: /not/here"),
        ("ucf11:/not/here", "no such folder: /not/here"),
        ("ucf101:/not/here", "no such folder: /not/here"),
    ],
)
def test_a_wrong_spec_is_one_line(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_dataset(spec, split="train")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "dev"}, "split must be one of train, val, test, all; got 'dev'"),
        ({"sampling": "sparse"}, "unknown sampling 'sparse'; there are uniform, dense"),
        ({"on_bad_video": "ignore"}, "on_bad_video must be one of raise, skip"),
        ({"frames": 0}, "frames must be a whole number of at least 1 and at most 100000; got 0"),
        ({"size": -1}, "size must be a whole number of at least 1"),
        ({"clips_per_video": 0}, "clips_per_video must be a whole number of at least 1"),
        ({"stride": 2}, "stride 2 goes with dense sampling"),
        ({"fold": 2}, "fold 2 means nothing for motions"),
        ({"sampling": "dense"}, "sampling dense means nothing for motions"),
        ({"clips_per_video": 2}, "clips_per_video 2 means nothing for motions"),
        ({"short_side": 40}, "short_side 40 means nothing for motions"),
        ({"flip": False}, "flip False means nothing for motions"),
        ({"decoder": "pyav"}, "decoder pyav means nothing for motions"),
        ({"frames": 10**9}, "at most 100000; got 1000000000"),
        ({"size": 10**6}, "at most 16384; got 1000000"),
        ({"frames": 10_000, "size": 10_000}, "takes 11,176 GiB, and 2 are the most"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
        ({"split": 5}, "split must be one of train, val, test, all; got 5"),
        ({"split": ["test"]}, "split must be one of train, val, test, all"),
        ({"frames": "8"}, "frames must be a whole number .*; got '8'"),
        ({"frames": True}, "frames must be a whole number"),
        ({"frames": float("nan")}, "frames must be a whole number"),
        ({"size": [32]}, "size must be a whole number"),
        ({"clips_per_video": None}, "clips_per_video must be a whole number"),
        ({"flip": 1}, "flip must be True or False"),
        ({"frame": 4}, "data sets have no option 'frame'; did you mean frames"),
    ],
)
def test_a_wrong_option_is_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_dataset("motions", **options)


def test_a_file_and_a_bare_folder(make_video: Callable[..., Path], tmp_path: Path) -> None:
    path = make_video("some.avi")
    assert load_dataset(str(path), split="train").identity(0) == "some.avi#0"
    with pytest.raises(InputError, match="say what it holds, such as folder:"):
        load_dataset(str(tmp_path))
    with pytest.raises(InputError, match="takes a folder"):
        load_dataset(f"folder:{path}")
    with pytest.raises(InputError, match="fold 1 means nothing"):
        load_dataset(str(path), fold=1)


def test_options_are_seen_by_help() -> None:
    parameters = inspect.signature(load_dataset).parameters
    assert list(parameters) == ["spec", *(field.name for field in fields(data.DatasetOptions))]
    assert parameters["spec"].default == "motions"
    assert parameters["split"].default == "test"
    assert parameters["size"].annotation == int | None


def test_every_registered_data_set_is_listed() -> None:
    rows = data.list_datasets()
    assert [row.spec.split(":")[0].split("[")[0] for row in rows[:-2]] == list(data.DATASETS)
    assert all(row.summary for row in rows)
