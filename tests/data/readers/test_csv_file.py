from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from advvid.data import load_dataset
from advvid.errors import InputError

MakeVideo = Callable[..., Path]


def names(dataset: Any) -> list[str]:
    return [item.identity for item in dataset.items]


@pytest.fixture
def listing(tmp_path: Path) -> Callable[..., str]:
    for name in ("a.mp4", "b.mp4", "c.mp4", "d.mp4"):
        (tmp_path / "videos" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "videos" / name).touch()

    def write(text: str | bytes, name: str = "list.csv") -> str:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return f"csv:{tmp_path / name}"

    return write


def test_paths_are_relative_to_the_file_and_labels_are_names(listing: Callable[..., str]) -> None:
    spec = listing("videos/b.mp4,run\n\n ./videos/a.mp4 , jump\n")
    dataset = load_dataset(spec, split="all")
    assert dataset.classes == ("jump", "run")
    assert dataset.labels.tolist() == [1, 0]
    assert names(dataset) == ["videos/b.mp4", "videos/a.mp4"]
    assert dataset.name == spec


def test_columns_may_be_named_and_splits_given(listing: Callable[..., str]) -> None:
    spec = listing(
        b"\xef\xbb\xbfSplit,Label,Path\r\ntrain,3,videos/a.mp4\r\ntest,0,videos/b.mp4\r\n"
        b'test,3,"videos/c.mp4"\r\n'
    )
    splits: Any = {split: load_dataset(spec, split=split) for split in ("train", "test", "val")}
    assert names(splits["train"]) == ["videos/a.mp4"]
    assert names(splits["test"]) == names(splits["val"]) == ["videos/b.mp4", "videos/c.mp4"]
    assert {dataset.classes for dataset in splits.values()} == {("0", "1", "2", "3")}
    assert splits["test"].labels.tolist() == [0, 3]


def test_without_splits_each_class_is_divided(listing: Callable[..., str]) -> None:
    spec = listing("".join(f"videos/{name}.mp4,{name < 'c'}\n" for name in "abcd"))
    train, test = (names(load_dataset(spec, split=split)) for split in ("train", "test"))
    assert sorted(train + test) == [f"videos/{name}.mp4" for name in "abcd"]
    assert len(train) == len(test) == 2


def test_clips_of_a_list_are_those_of_the_folder(make_video: MakeVideo, tmp_path: Path) -> None:
    make_video("set/a/one.avi", size=(32, 32))
    (tmp_path / "set" / "list.csv").write_text("a/one.avi,a\n")
    shape: dict[str, Any] = {"frames": 4, "size": 16, "split": "all"}
    listed = load_dataset(f"csv:{tmp_path}/set/list.csv", **shape)
    folder = load_dataset(f"folder:{tmp_path}/set", **shape)
    assert torch.equal(listed.clip(0)[0], folder.clip(0)[0])
    assert listed.origin(0) == folder.origin(0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no video: wanted lines of path,label"),
        ("path,label\n", "lists no video"),
        ("videos/a.mp4\n", "line 1: 1 columns; wanted path,label"),
        ("videos/a.mp4,1,test,4\n", "line 1: 4 columns"),
        ("videos/a.mp4,1\nvideos/b.mp4\n", "line 2: 1 columns"),
        ("videos/a.mp4,1\n\nvideos/b.mp4,\n", "line 3: wanted a path and a label"),
        ("path,label,split\nvideos/a.mp4,1,testing\n", "line 2: the split must be train, val or"),
        ("path,path\nvideos/a.mp4,1\n", "wants the columns path, label and maybe split"),
        ("path,kind\nvideos/a.mp4,1\n", "wants the columns path, label and maybe split"),
        ("videos/a.mp4,1\nvideos/./a.mp4,1\n", "line 2 lists 'videos/a.mp4' again, after line 1"),
        ("videos/a.mp4,1,train\nvideos/a.mp4,1,test\n", "again, after line 1"),
        ("videos/a.mp4,1\ngone.mp4,1\n", "line 2: no such file: .*gone.mp4"),
        ("videos/a.mp4,99999999999999999999\n", "line 1: the number of a class must be below"),
        ('videos/a.mp4,"1\n', "cannot read .*list.csv as a table"),
        ("videos/a\0.mp4,1\n", "list.csv"),
        (b"videos/\xff.mp4,1\n", "cannot read .*list.csv as a table with commas: 'utf-8'"),
        ("a," + "x" * 200_000 + "\n", "cannot read .*list.csv as a table"),
        ("videos/a.mp4,1,train\n", "lists no video of the split test"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    listing: Callable[..., str], text: str | bytes, message: str
) -> None:
    split: Any = "test" if "of the split test" in message else "all"
    with pytest.raises(InputError, match=message) as caught:
        load_dataset(listing(text), split=split)
    assert "\n" not in str(caught.value)


def test_the_file_has_to_be_there(tmp_path: Path) -> None:
    for argument, message in (("", "no file given"), (str(tmp_path), "cannot read")):
        with pytest.raises(InputError, match=message):
            load_dataset(f"csv:{argument}")
