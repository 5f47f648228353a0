"""`folder:DIR`, one folder a class, and single video files."""

import hashlib
from pathlib import Path

from advvid.data.options import DatasetEntry, DatasetOptions
from advvid.data.readers.video_dataset import (
    UNKNOWN_CLASSES,
    UNKNOWN_LABEL,
    VideoDataset,
    VideoItem,
)
from advvid.data.readers.video_files import existing_folder, find_videos, loose_videos, subfolders
from advvid.errors import InputError

_TEST_SHARE = 0.2
_Labeled = tuple[int, str]
"""Label of a video, and its path below the folder."""


def build_folder(argument: str, options: DatasetOptions) -> VideoDataset:
    """Build `folder:DIR`; videos may lie at any depth below the folder of their class.

    With a folder train and one of test, val in DIR, those are the splits; where val or test is
    missing, the other serves for both. A folder that holds videos and no folder of a class is one
    of videos without labels, all of them in every split. Otherwise about a fifth of each class is
    both val and test, and the rest is train: a hash of its file name (path below the class) decides
    for each video alone, so it keeps its split when other videos are added or removed. Only where
    that leaves a class without a training video, the one of the largest hash is for training, and
    where it leaves a class of two or more without a test video, the one of the smallest hash is for
    testing. Clips cut out of one source video have names of their own and can get into both splits:
    make train and test folders for those.

    Raises:
        InputError: no such folder, no class in it, or no video in a class or split.
    """
    folder = existing_folder(argument, "folder:DIR")
    names = subfolders(folder)
    loose = loose_videos(folder)
    if loose and not any(find_videos(folder / name) for name in names):
        unlabeled = [VideoItem(str(folder / video), UNKNOWN_LABEL, video) for video in loose]
        return VideoDataset(f"folder:{argument}", unlabeled, UNKNOWN_CLASSES, options)
    if "train" in names and ("val" in names or "test" in names):
        classes, videos = _of_split_folders(folder, names, options.split)
    else:
        classes, videos = _of_class_folders(folder, names, options.split)
    if not videos:
        raise InputError(f"{folder} has no video in its {options.split} split")
    items = [VideoItem(str(folder / video), label, video) for label, video in videos]
    return VideoDataset(f"folder:{argument}", items, classes, options)


def build_single_video(path: str, options: DatasetOptions) -> VideoDataset:
    """One video file, in every split, labeled -1 of the one class "unknown"; its distinct clips."""
    item = VideoItem(path, UNKNOWN_LABEL, Path(path).name)
    return VideoDataset(path, [item], UNKNOWN_CLASSES, options, distinct=True)


def _of_split_folders(
    folder: Path, names: list[str], split: str
) -> tuple[list[str], list[_Labeled]]:
    """Give the classes, and the videos of train/, val/ or test/."""
    parts = [name for name in ("train", "val", "test") if name in names]
    classes = sorted({name for part in parts for name in subfolders(folder / part)})
    wanted = parts if split == "all" else [split] if split in parts else parts[1:]
    return classes, [
        (label, f"{part}/{name}/{video}")
        for part in wanted
        for label, name in enumerate(classes)
        if (folder / part / name).is_dir()
        for video in find_videos(folder / part / name)
    ]


def _of_class_folders(
    folder: Path, names: list[str], split: str
) -> tuple[list[str], list[_Labeled]]:
    """Give the classes, and the videos that the hashes of their names put into a split."""
    videos = {name: find_videos(folder / name) for name in names}
    classes = [name for name in names if videos[name]]
    if not classes:
        raise InputError(f"{folder} has no videos: folder:DIR wants one folder a class with videos")
    return classes, [
        (label, f"{name}/{video}")
        for label, name in enumerate(classes)
        for video in part_of_class(videos[name], split)
    ]


def part_of_class(videos: list[str], split: str) -> list[str]:
    """Give the videos of a class that the hashes of their names put into a split."""
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


FOLDER = DatasetEntry(
    build_folder,
    "folder:DIR",
    "your videos, one folder a class, or train/ and test/ of those; or videos without labels",
)
SINGLE_VIDEO = DatasetEntry(build_single_video, "FILE", "one video file, without a label")
