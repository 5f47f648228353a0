"""Several data sets as one, and those that somebody's function gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from advvid.data import ClipDataset, MotionsDataset, load_dataset
from advvid.errors import InputError

MakeVideo = Callable[..., Path]
HERE = "tests.data.test_joined"
CLIPS = torch.rand(4, 3, 2, 8, 8, generator=torch.Generator().manual_seed(0))


def tensors(split: str = "test") -> Dataset[Any]:
    return TensorDataset(CLIPS + 0 if split == "test" else 1 - CLIPS, torch.tensor([0, 1, 1, 0]))


def loader(frames: int = 2) -> "DataLoader[Any]":
    return DataLoader(TensorDataset(CLIPS[:, :, :frames], torch.tensor([0, 1, 1, 0])), shuffle=True)


def motions(**options: Any) -> ClipDataset:
    return MotionsDataset(options["split"], frames=options.get("frames", 5), size=16)


def nothing() -> None:
    return None


def fails() -> None:
    raise RuntimeError("no disk\nat all")


class Own(MotionsDataset):
    def __init__(self, size: int = 24) -> None:
        super().__init__("test", size=size)


def test_a_function_gives_a_data_set_a_loader_or_a_class() -> None:
    dataset = load_dataset(f"{HERE}:tensors")
    assert torch.equal(dataset.clip(2)[0], CLIPS[2])
    assert dataset.name == f"{HERE}:tensors"
    train = load_dataset(f"{HERE}:tensors", split="train")
    assert torch.equal(train.clip(2)[0], 1 - CLIPS[2])
    assert load_dataset(f"{HERE}:loader", frames=1).clip_shape == (3, 1, 8, 8)
    assert load_dataset(f"{HERE}:motions", split="val").clip_shape == (3, 5, 16, 16)
    assert load_dataset(f"{HERE}:Own", size=16, frames=3).clip_shape == (3, 8, 16, 16)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nothing", {}, "returned what cannot be used: a NoneType is no data set of clips"),
        ("fails", {}, "fails failed: RuntimeError: no disk"),
        ("missing", {}, "has no class or function 'missing'"),
        ("loader", {"split": "train"}, "has no parameter split"),
        ("loader", {"fold": 2}, "fold 2 means nothing for .*loader"),
        ("HERE", {}, "has no class or function 'HERE'"),
    ],
)
def test_a_function_that_cannot_be_used(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_dataset(f"{HERE}:{name}", **options)
    assert "\n" not in str(caught.value)


def test_several_are_joined_by_the_names_of_their_classes(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    for name in ("one/run/a.avi", "one/jump/b.avi", "two/run/a.avi", "two/fall/c.avi"):
        make_video(name, size=(32, 32))
    shape: dict[str, Any] = {"split": "all", "frames": 4, "size": 16}
    specs = [f"folder:{tmp_path}/one", f"folder:{tmp_path}/two"]
    both, parts = load_dataset(specs, **shape), [load_dataset(one, **shape) for one in specs]
    assert both.classes == ("jump", "run", "fall")
    assert both.labels.tolist() == [0, 1, 2, 1]
    assert both.name == " + ".join(specs)
    assert [both[i][1] for i in range(4)] == [0, 1, 2, 1]
    assert torch.equal(both.clip(3)[0], parts[1].clip(1)[0])
    # Videos of the same name in two folders are two videos.
    assert len({both.origin(i).video for i in range(4)}) == 4
    seen = both.subset([3, 0]).resampled("dense", 2)
    assert torch.equal(seen.clip(1)[0], parts[1].resampled("dense", 2).clip(3)[0])
    assert seen.labels.tolist() == [1, 1, 0, 0]
    assert load_dataset([specs[0]], **shape).name == specs[0]
    # A video that cannot be read is listed with the whole.
    (tmp_path / "two" / "run" / "a.avi").write_text("no video")
    assert len(load_dataset(specs, **shape, on_bad_video="skip").sample(3)[0]) == 3
    skipping = load_dataset(specs, **shape, on_bad_video="skip")
    skipping.sample(3, seed=int(np.argmax([s % 2 for s in range(2)])))
    assert all("a.avi" in bad.path for bad in skipping.skipped)


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([], "no data set given"),
        (["motions", "motions"], "data sets are joined that are the same"),
        (["motions", f"{HERE}:tensors"], "clips of different shapes cannot be joined"),
        (["motions", 3], "spec must be"),
        (3, "spec must be"),
    ],
)
def test_what_cannot_be_joined_is_one_line(specs: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_dataset(specs)


def test_labeled_and_unlabeled_clips_are_not_joined(make_video: MakeVideo) -> None:
    path = make_video("flat/a.avi", size=(32, 32))
    make_video("flat/b.avi", size=(32, 32))
    folder = f"folder:{path.parent}"
    with pytest.raises(InputError, match="has no labels and motions has"):
        load_dataset(["motions", folder], frames=8, size=32)
    flat = load_dataset([folder, str(path)], frames=8, size=32)
    assert flat.labels.tolist() == [-1, -1, -1]
    assert flat.classes == ("unknown",)
