from pathlib import Path

import pytest

from advvid.data.clip_dataset import ClipDataset
from advvid.data.load import load_dataset
from advvid.data.options import Split
from advvid.errors import InputError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def names(dataset: ClipDataset) -> list[str]:
    return [dataset.identity(i).removesuffix("#0") for i in range(len(dataset))]


def load(root: Path, split: Split) -> ClipDataset:
    return load_dataset(f"folder:{root}", split=split)


def test_classes_are_folders_and_nothing_is_opened(tmp_path: Path) -> None:
    root = touch(
        tmp_path, "run/b.mp4", "run/deep/a.AVI", "jump/c.webm", "jump/notes.txt", "no/x.md"
    )
    touch(root, ".hidden/d.avi", "jump/.e.avi")
    dataset = load(root, "all")
    assert dataset.classes == ("jump", "run")
    assert names(dataset) == ["jump/c.webm", "run/b.mp4", "run/deep/a.AVI"]
    assert dataset.labels.tolist() == [0, 1, 1]


def test_a_fifth_of_each_class_is_held_out_wherever_the_folder_lies(tmp_path: Path) -> None:
    videos = [f"{c}/{i}.avi" for c, n in (("a", 10), ("b", 4), ("c", 1)) for i in range(n)]
    root = touch(tmp_path / "one", *videos)
    train, test = names(load(root, "train")), names(load(root, "test"))
    assert sorted(train + test) == sorted(videos)
    assert [sum(name.startswith(c) for name in test) for c in "abc"] == [2, 1, 0]
    assert names(load(root, "val")) == test
    assert names(load(touch(tmp_path / "two", *videos), "test")) == test


def test_split_folders_are_the_splits(tmp_path: Path) -> None:
    root = touch(tmp_path, "train/a/1.avi", "train/b/2.avi", "test/b/3.avi", "test/a/4.avi")
    assert names(load(root, "train")) == ["train/a/1.avi", "train/b/2.avi"]
    assert names(load(root, "test")) == names(load(root, "val"))
    assert names(load(root, "test")) == ["test/a/4.avi", "test/b/3.avi"]
    assert len(load(root, "all")) == 4
    touch(root, "val/c/5.avi")
    assert names(load(root, "val")) == ["val/c/5.avi"]
    assert load(root, "train").classes == ("a", "b", "c")
    assert load(root, "val").labels.tolist() == [2]


def test_folders_without_videos_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no videos: folder:DIR wants one folder a class"):
        load(tmp_path, "test")
    touch(tmp_path, "a/readme.txt")
    with pytest.raises(InputError, match="has no videos"):
        load(tmp_path, "all")
    touch(tmp_path, "a/one.avi")
    with pytest.raises(InputError, match="no video in its test split"):
        load(tmp_path, "test")
    touch(tmp_path, "train/x/1.avi", "test/x/none.txt")
    with pytest.raises(InputError, match="no video in its test split"):
        load(tmp_path, "test")


def test_a_fold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fold 1 means nothing for folder:DIR"):
        load_dataset(f"folder:{touch(tmp_path, 'a/1.avi')}", fold=1)
