"""`ucf101:DIR`: UCF101 (Soomro, Zamir and Shah, 2012) with its official splits."""

import re
from pathlib import Path

from advvid.data.options import DatasetEntry, DatasetOptions
from advvid.data.readers.video_dataset import VideoDataset, VideoItem, refuse_fold_of_all
from advvid.data.readers.video_files import existing_folder, readable_name
from advvid.errors import InputError

FOLDS = (1, 2, 3)
_SPLIT_FOLDER = "ucfTrainTestlist"
_GROUPED = re.compile(r"(.+_g\d+)_c\d+\.\w+")


def build_ucf101(argument: str, options: DatasetOptions) -> VideoDataset:
    """Build `ucf101:DIR`: DIR holds UCF-101/<Class>/*.avi or <Class>/*.avi.

    The split files (classInd.txt, trainlist0N.txt, testlist0N.txt) lie in DIR or next to it, in
    their folder ucfTrainTestlist or loose. Fold 1 (default), 2 or 3 chooses N; test (and val) is
    the test list. No video is looked for now: a missing one is reported when it is read.

    Raises:
        InputError: no such folder, no split files or videos there, a broken line, a fold below 1
            or above 3.
    """
    folder = existing_folder(argument, "ucf101:DIR")
    refuse_fold_of_all(options)
    fold = 1 if options.fold is None else options.fold
    if fold not in FOLDS:
        raise InputError(f"fold {fold} is none of UCF101's; it has folds 1, 2 and 3")
    lists = _split_folder(folder)
    numbered = [line.split() for line in _lines(lists / "classInd.txt")]
    if not all(len(words) == 2 and words[0].isdecimal() for words in numbered):
        raise InputError(f"{lists / 'classInd.txt'} wants lines such as '1 ApplyEyeMakeup'")
    classes = [name for _, name in sorted(numbered, key=lambda words: int(words[0]))]
    root = folder / "UCF-101" if (folder / "UCF-101").is_dir() else folder
    if not any((root / name).is_dir() for name in classes):
        raise InputError(f"{root} has no folder of a UCF101 class, such as {classes[0]}")
    labels = {name: label for label, name in enumerate(classes)}
    parts = {"train": ["train"], "all": ["train", "test"]}.get(options.split, ["test"])
    items = []
    for part in parts:
        listing = lists / f"{part}list{fold:02d}.txt"
        for line in _lines(listing):
            video = line.split()[0]
            label = labels.get(video.partition("/")[0])
            if label is None:
                raise InputError(f"{listing} names {video}, whose class is not in classInd.txt")
            items.append(VideoItem(str(root / video), label, video, source=_group(video)))
    return VideoDataset(f"ucf101:{argument}", items, classes, options)


def _group(video: str) -> str | None:
    """Give the group that a video is cut from, such as Archery/v_Archery_g01."""
    found = _GROUPED.fullmatch(video)
    return readable_name(found.group(1)) if found else None


def _split_folder(folder: Path) -> Path:
    around = [folder, folder.resolve().parent]
    for candidate in [place / _SPLIT_FOLDER for place in around] + around:
        if (candidate / "classInd.txt").is_file():
            return candidate
    raise InputError(
        f"no {_SPLIT_FOLDER}/classInd.txt in {folder} or next to it: "
        "unpack the official UCF101 split files there"
    )


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the UCF101 split file {path}: {error}") from error
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise InputError(f"the UCF101 split file {path} is empty: unpack it again")
    return filled


UCF101 = DatasetEntry(
    build_ucf101,
    "ucf101:DIR",
    "UCF101 with its split files; fold 1 (default), 2 or 3",
    unused=(),
)
