"""`folder:DIR`, one folder a class, and single video files."""

import hashlib
from pathlib import Path

from advvid.data.options import DatasetEntry, DatasetOptions
from advvid.data.readers.video_dataset import UNKNOWN_LABEL, VideoDataset, VideoItem
from advvid.data.readers.video_files import existing_folder, find_videos, subfolders
from advvid.errors import InputError

_TEST_SHARE = 0.2
_SPLIT_FOLDERS = ("train", "val", "test")


def build_folder(argument: str, options: DatasetOptions) -> VideoDataset:
    """Build `folder:DIR`; videos may lie at any depth below the folder of their class.

    With a folder train and one of test, val in DIR, those are the splits; where val or test is
    missing, the other serves for both. Otherwise about a fifth of each class is both val and test,
    and the rest is train: a hash of its file name (path below the class) decides for each video
    alone, so it keeps its split when other videos are added or removed. Only where that leaves a
    class without a training video, the one of the largest hash is for training, and where it leaves
    a class of two or more without a test video, the one of the smallest hash is for testing. Clips
    cut out of one source video have names of their own and can get into both splits: make train and
    test folders for those.

    Raises:
        InputError: no such folder, no class in it, or no video in a class or split.
    """
    folder = existing_folder(argument, "folder:DIR")
    names = subfolders(folder)
    if "train" in names and ("val" in names or "test" in names):
        items, classes = _from_split_folders(folder, names, options.split)
    else:
        items, classes = _from_class_folders(folder, names, options.split)
    if not items:
        raise InputError(f"{folder} has no video in its {options.split} split")
    return VideoDataset(f"folder:{argument}", items, classes, options)


def build_single_video(path: str, options: DatasetOptions) -> VideoDataset:
    """One video file, in every split, labeled -1 of the one class "unknown"."""
    item = VideoItem(path, UNKNOWN_LABEL, Path(path).name)
    return VideoDataset(path, [item], ("unknown",), options)


def _from_split_folders(
    folder: Path, names: list[str], split: str
) -> tuple[list[VideoItem], list[str]]:
    present = [name for name in _SPLIT_FOLDERS if name in names]
    classes = sorted({name for part in present for name in subfolders(folder / part)})
    if split == "all":
        wanted = present
    elif split in present:
        wanted = [split]
    else:
        wanted = [part for part in present if part != "train"]
    items = [
        _item(folder, part, label, video)
        for part in wanted
        for label, name in enumerate(classes)
        if (folder / part / name).is_dir()
        for video in _class_videos(folder / part, name)
    ]
    return items, classes


def _from_class_folders(
    folder: Path, names: list[str], split: str
) -> tuple[list[VideoItem], list[str]]:
    videos = {name: find_videos(folder / name) for name in names}
    classes = [name for name in names if videos[name]]
    if not classes:
        raise InputError(f"{folder} has no videos: folder:DIR wants one folder a class with videos")
    items = [
        _item(folder, "", label, f"{name}/{video}")
        for label, name in enumerate(classes)
        for video in _part_of_class(videos[name], split)
    ]
    return items, classes


def _class_videos(folder: Path, name: str) -> list[str]:
    return [f"{name}/{video}" for video in find_videos(folder / name)]


def _part_of_class(videos: list[str], split: str) -> list[str]:
    if split == "all":
        return videos
    by_hash = sorted((_hash_position(video), video) for video in videos)
    below = sum(position < _TEST_SHARE for position, _ in by_hash)
    held_out = min(max(below, 1), len(videos) - 1)
    part = by_hash[held_out:] if split == "train" else by_hash[:held_out]
    return sorted(video for _, video in part)


def _hash_position(video: str) -> float:
    """Where the hash of a name lies in [0, 1), uniform over names."""
    digest = hashlib.sha256(video.encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:6]) / 2**48  # a double holds 48 bits without rounding up to 1


def _item(folder: Path, part: str, label: int, video: str) -> VideoItem:
    identity = f"{part}/{video}" if part else video
    return VideoItem(str(folder / identity), label, identity)


FOLDER = DatasetEntry(
    build_folder,
    "folder:DIR",
    "your videos, one folder a class, or train/ and test/ of those",
)
SINGLE_VIDEO = DatasetEntry(build_single_video, "FILE", "one video file, without a label")
