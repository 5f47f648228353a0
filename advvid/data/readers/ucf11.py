"""`ucf11:DIR`: UCF11 (YouTube Action; Liu, Luo and Shah, CVPR 2009), one group held out."""

import re
from pathlib import Path

from advvid.data.options import DatasetEntry, DatasetOptions
from advvid.data.readers.video_dataset import VideoDataset, VideoItem, refuse_fold_of_all
from advvid.data.readers.video_files import (
    existing_folder,
    find_videos,
    readable_name,
    subfolders,
)
from advvid.errors import InputError

DEFAULT_FOLD = 3
_ORIGINAL_FOLDERS = ("action_youtube_naudio", "UCF11_updated_mpg")
_GROUP = re.compile(r"_(\d+)$")


def build_ucf11(argument: str, options: DatasetOptions) -> VideoDataset:
    """Build `ucf11:DIR`, where DIR holds class/v_name_GG/clip, or the folder of the distribution.

    A group is the clips of one source video, so splits never cut through it: test (and val) is
    group `fold` of every class, train all other groups.

    Raises:
        InputError: no such folder, another layout, no group of that number, or one that leaves a
            class without clips to train or to test on.
    """
    folder = existing_folder(argument, "ucf11:DIR")
    for original in _ORIGINAL_FOLDERS:
        if (folder / original).is_dir():
            folder /= original
    grouped = [
        (name, _group(video), video)
        for name in subfolders(folder)
        for video in find_videos(folder / name)
        if _group(video) is not None
    ]
    if not grouped:
        raise InputError(
            f"{folder} has no videos laid out as class/v_name_01/clip.avi: "
            "give the folder that holds the classes of UCF11"
        )
    classes = sorted({name for name, _, _ in grouped})
    refuse_fold_of_all(options)
    fold = DEFAULT_FOLD if options.fold is None else options.fold
    if options.split != "all":
        _check_fold(folder, fold, [(name, group) for name, group, _ in grouped])
    items = [
        VideoItem(
            str(folder / name / video),
            classes.index(name),
            f"{name}/{video}",
            source=readable_name(f"{name}/{Path(video).parent.name}"),
        )
        for name, group, video in grouped
        if options.split == "all" or (group == fold) == (options.split != "train")
    ]
    return VideoDataset(f"ucf11:{argument}", items, classes, options)


def _check_fold(folder: Path, fold: int, clips: list[tuple[str, int | None]]) -> None:
    """Refuse a group that no class has, or that not every class has beside others."""
    groups: dict[str, set[int | None]] = {}
    for name, group in clips:
        groups.setdefault(name, set()).add(group)
    there = sorted({group for group in set().union(*groups.values()) if group is not None})
    if fold not in there:
        raise InputError(
            f"fold {fold} is not a group of {folder}: "
            f"it has groups {', '.join(str(group) for group in there)}"
        )
    whole = [n for n in there if all(n in own and len(own) > 1 for own in groups.values())]
    if fold not in whole:
        lacking = [name for name, own in groups.items() if fold not in own]
        what = "test" if lacking else "train"
        name = lacking[0] if lacking else next(n for n, own in groups.items() if len(own) == 1)
        choice = f"choose one of {', '.join(map(str, whole))}" if whole else "add groups"
        raise InputError(f"fold {fold} leaves class {name} without clips to {what} on: {choice}")


def _group(video: str) -> int | None:
    """Number of the group folder that a video, relative to its class, lies in."""
    found = _GROUP.search(Path(video).parent.name)
    return int(found.group(1)) if found else None


UCF11 = DatasetEntry(
    build_ucf11,
    "ucf11:DIR",
    "UCF11 (YouTube Action); fold = the group held out (3)",
    unused=(),
)
