import hashlib
import os
from pathlib import Path

import pytest

from advvid.data.clip_dataset import ClipDataset
from advvid.data.options import Split
from advvid.data.registry import load_dataset
from advvid.data.video.bad_video import BadVideoError
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


def position(video: str) -> float:
    """Where the hash of a name lies in [0, 1)."""
    return int(hashlib.sha256(video.encode()).hexdigest()[:12], 16) / 16**12


def test_about_a_fifth_is_held_out_wherever_the_folder_lies(tmp_path: Path) -> None:
    videos = [f"{c}/{i}.avi" for c, n in (("a", 200), ("b", 4), ("c", 1)) for i in range(n)]
    root = touch(tmp_path / "one", *videos)
    train, test = names(load(root, "train")), names(load(root, "test"))
    assert sorted(train + test) == sorted(videos)
    in_a = [name for name in test if name.startswith("a/")]
    assert in_a == sorted(f"a/{i}.avi" for i in range(200) if position(f"{i}.avi") < 0.2)
    assert 25 <= len(in_a) <= 55
    assert names(load(root, "val")) == test
    assert names(load(touch(tmp_path / "two", *videos), "test")) == test


def test_adding_videos_moves_none_to_the_other_side(tmp_path: Path) -> None:
    low = next(f"{i}.avi" for i in range(99) if position(f"{i}.avi") < 0.2)
    high = next(f"{i}.avi" for i in range(99) if position(f"{i}.avi") >= 0.2)
    root = touch(tmp_path, f"a/{low}", f"a/{high}")
    for step in range(20):
        train, test = names(load(root, "train")), names(load(root, "test"))
        touch(root, *(f"a/more-{step}-{i}.avi" for i in range(5)))
        assert set(train) <= set(names(load(root, "train")))
        assert set(test) <= set(names(load(root, "test")))


def test_both_sides_have_a_video_of_every_class_with_two(tmp_path: Path) -> None:
    videos = sorted((f"{i}.avi" for i in range(99)), key=position)
    low = [video for video in videos if position(video) < 0.2]
    high = videos[len(low) :]
    root = touch(tmp_path, *(f"low/{v}" for v in low), *(f"high/{v}" for v in high))
    touch(root, f"one/{low[0]}")
    train, test = names(load(root, "train")), names(load(root, "test"))
    assert [name for name in train if name.startswith("low/")] == [f"low/{low[-1]}"]
    assert [name for name in test if name.startswith("high/")] == [f"high/{high[0]}"]
    assert f"one/{low[0]}" in train
    assert sorted(train + test) == names(load(root, "all"))


def test_names_that_are_not_utf8_are_read_as_latin_1(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.avi")
    try:
        root = touch(tmp_path, f"a/{odd}", "a/plain.avi", os.fsdecode(b"\xe9t\xe9/1.avi"))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    both = names(load(root, "train")) + names(load(root, "test"))
    assert sorted(both) == ["a/café.avi", "a/plain.avi", "été/1.avi"]
    dataset = load(root, "all")
    assert dataset.classes == ("a", "été")
    "".join([*dataset.classes, *both, dataset.name]).encode()
    with pytest.raises(BadVideoError) as caught:
        dataset.clip(0)
    str(caught.value).encode()
    touch(root, "été/1.avi")
    with pytest.raises(InputError, match="two classes of the name été"):
        load(root, "all")


def test_names_cannot_give_orders_to_a_terminal(tmp_path: Path) -> None:
    dataset = load(touch(tmp_path, "a\x1b[31mred/b\n.avi"), "all")
    assert dataset.classes == (r"a\x1b[31mred",)
    assert names(dataset) == [r"a\x1b[31mred/b\n.avi"]


def test_videos_without_folders_of_classes_have_no_labels(tmp_path: Path) -> None:
    root = touch(tmp_path, "b.mp4", "a.MP4", "notes.txt", ".hidden.mp4", "empty/x.txt")
    for split in ("train", "test"):
        dataset = load(root, split)
        assert names(dataset) == ["a.MP4", "b.mp4"]
        assert dataset.labels.tolist() == [-1, -1]
    touch(root, "run/c.mp4")
    assert load(root, "all").labels.tolist() == [0]


def test_links_that_lead_nowhere_are_left_out(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/1.avi", "a/2.avi")
    for link in ("loop", "a/loop", "a/loop.avi", "loop.avi"):
        (root / link).symlink_to(Path(link).name)
    (root / "a" / "one").symlink_to("other")
    (root / "a" / "other").symlink_to("one")
    assert names(load(root, "all")) == ["a/1.avi", "a/2.avi"]


def test_links_to_folders_above_are_left_out(tmp_path: Path) -> None:
    root = touch(tmp_path / "root", "a/deep/1.avi", "b/2.avi")
    touch(tmp_path, "elsewhere/3.avi")
    for link, target in (
        ("a/here", "."),
        ("a/deep/class", ".."),
        ("a/deep/root", "../.."),
        ("a/deep/above", "../../.."),
        ("class-of-all", "."),
        ("b/other", "../../elsewhere"),
    ):
        (root / link).symlink_to(target, target_is_directory=True)
    (tmp_path / "elsewhere" / "back").symlink_to("../root", target_is_directory=True)
    dataset = load(root, "all")
    assert dataset.classes == ("a", "b")
    assert names(dataset) == ["a/deep/1.avi", "b/2.avi", "b/other/3.avi"]


def test_folders_linked_to_each_other_are_walked_once(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/x/1.avi", "a/y/2.avi")
    (root / "a/x/y").symlink_to("../y", target_is_directory=True)
    (root / "a/y/x").symlink_to("../x", target_is_directory=True)
    wanted = ["a/x/1.avi", "a/x/y/2.avi", "a/y/2.avi", "a/y/x/1.avi"]
    assert names(load(root, "all")) == wanted


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
