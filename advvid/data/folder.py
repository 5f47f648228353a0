"""`folder:DIR`, one folder a class, and single video files."""

import hashlib
from pathlib import Path

from advvid.data.options import DatasetOptions
from advvid.data.video_dataset import UNKNOWN_LABEL, VideoDataset, VideoItem
from advvid.data.video_files import existing_folder, find_videos, subfolders
from advvid.errors import InputError

_TEST_SHARE = 0.2
_SPLIT_FOLDERS = ("train", "val", "test")


def build_folder(argument: str, options: DatasetOptions) -> VideoDataset:
    """Build `folder:DIR`; videos may lie at any depth below the folder of their class.

    With a folder train and one of test, val in DIR, those are the splits; val and test stand in for
    each other where one is missing. Otherwise a fifth of each class, chosen by a hash of the file
    names, is both val and test, and the rest is train.

    Raises:
        InputError: no such folder, no class in it, or no video in a class or split.

    """
    folder = existing_folder(argument, "folder:DIR")
    if options.fold is not None:
        raise InputError(f"fold {options.fold} means nothing for folder:DIR: leave it out")
    names = subfolders(folder)
    if "train" in names and ("val" in names or "test" in names):
        items, classes = _from_split_folders(folder, names, options.split)
    else:
        items, classes = _from_class_folders(folder, names, options.split)
    if not items:
        raise InputError(f"{folder} has no video in its {options.split} split")
    return VideoDataset(f"folder:{argument}", items, classes, options)


def build_single_video(path: str, options: DatasetOptions) -> VideoDataset:
    """One video file, in every split, labeled -1 of the one class "unknown".

    Raises:
        InputError: a fold was asked for.

    """
    if options.fold is not None:
        raise InputError(f"fold {options.fold} means nothing for one video file: leave it out")
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
    held_out = round(_TEST_SHARE * len(videos)) or (1 if len(videos) > 1 else 0)
    by_hash = sorted(videos, key=lambda video: hashlib.sha256(video.encode()).digest())
    return sorted(by_hash[held_out:] if split == "train" else by_hash[:held_out])


def _item(folder: Path, part: str, label: int, video: str) -> VideoItem:
    identity = f"{part}/{video}" if part else video
    return VideoItem(str(folder / identity), label, identity)
