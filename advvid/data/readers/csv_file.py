"""`csv:FILE`: videos that a file lists, with their labels."""

import csv
import os
import posixpath
from pathlib import Path
from typing import NamedTuple

from advvid.data.options import DatasetEntry, DatasetOptions
from advvid.data.readers.folder import part_of_class
from advvid.data.readers.video_dataset import VideoDataset, VideoItem
from advvid.errors import InputError, shown
from advvid.methods.paths import is_there

_COLUMNS = ("path", "label", "split")
_SPLITS = ("train", "val", "test")
_MOST_CLASSES = 100_000


class _Row(NamedTuple):
    line: int
    video: str
    label: str
    split: str | None


def build_csv(argument: str, options: DatasetOptions) -> VideoDataset:
    """Build `csv:FILE` from lines of path,label or path,label,split.

    Paths are relative to the folder of the file. Labels are names of classes; where all are whole
    numbers, they are the numbers of the classes. A first line that names the columns may put them
    in another order. The split is train, val or test; where val or test is missing, the other
    serves for both. Without that column a hash of the path decides, as in `folder:DIR`.

    Raises:
        InputError: no such file, no rows, nothing in the split, or a row that cannot be used, with
            its line.
    """
    if not argument:
        raise InputError("no file given: write csv:FILE, lines of path,label or path,label,split")
    file = Path(argument).expanduser()
    rows = _rows(file)
    classes = _classes(file, rows)
    items = []
    for row in _of_split(rows, options.split):
        path = file.parent / row.video
        if options.on_bad_video == "raise" and not is_there(path):
            raise InputError(f"{file}, line {row.line}: no such file: {path}")
        label = int(row.label) if classes is None else classes.index(row.label)
        items.append(VideoItem(str(path), label, row.video))
    if not items:
        raise InputError(f"{file} lists no video of the split {options.split}")
    count = 0 if classes is not None else 1 + max(int(row.label) for row in rows)
    names = classes or [str(number) for number in range(count)]
    return VideoDataset(f"csv:{argument}", items, names, options)


def _rows(file: Path) -> list[_Row]:
    """Read and check all rows."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, skipinitialspace=True, strict=True)
            read = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot read {file} as a table with commas: {reason}") from error
    read = [(line, cells) for line, cells in read if any(cells)]
    columns = list(_COLUMNS)
    if read and "path" in map(str.lower, read[0][1]):
        columns = [name.lower() for name in read.pop(0)[1]]
        if not {"path", "label"} <= set(columns) or len(set(columns)) < len(columns):
            raise InputError(f"{file} wants the columns path, label and maybe split, each once")
    if not read:
        raise InputError(f"{file} lists no video: wanted lines of path,label or path,label,split")
    width = len(read[0][1]) if columns == list(_COLUMNS) else len(columns)
    rows: list[_Row] = []
    known: dict[str, int] = {}
    for line, cells in read:
        where = f"{file}, line {line}"
        if len(cells) != width or width not in (2, 3):
            raise InputError(
                f"{where}: {len(cells)} columns; wanted path,label or path,label,split"
            )
        row = dict(zip(columns, cells, strict=False))
        video, label, split = row["path"], row["label"], row.get("split")
        if not video or not label or "\0" in video:
            raise InputError(f"{where}: wanted a path and a label; got {shown(','.join(cells))}")
        if split is not None and split.lower() not in _SPLITS:
            raise InputError(f"{where}: the split must be train, val or test; got {shown(split)}")
        # One video under two names would be counted twice, or be in train and test.
        name = posixpath.normpath(video.replace(os.sep, "/"))
        if name in known:
            raise InputError(f"{where} lists {shown(name)} again, after line {known[name]}")
        known[name] = line
        rows.append(_Row(line, name, label, None if split is None else split.lower()))
    return rows


def _classes(file: Path, rows: list[_Row]) -> list[str] | None:
    """Names of the classes in label order, or None where labels are numbers."""
    if not all(row.label.isascii() and row.label.isdecimal() for row in rows):
        return sorted({row.label for row in rows})
    for row in rows:
        if len(row.label) > 9 or int(row.label) >= _MOST_CLASSES:
            raise InputError(
                f"{file}, line {row.line}: the number of a class must be below {_MOST_CLASSES:,}; "
                f"got {shown(row.label)}"
            )
    return None


def _of_split(rows: list[_Row], split: str) -> list[_Row]:
    if split == "all":
        return rows
    if rows[0].split is not None:
        there = {row.split for row in rows}
        wanted = {split} if split in there or split == "train" else {"val", "test"}
        return [row for row in rows if row.split in wanted]
    by_label: dict[str, list[str]] = {}
    for row in rows:
        by_label.setdefault(row.label, []).append(row.video)
    part = {video for videos in by_label.values() for video in part_of_class(videos, split)}
    return [row for row in rows if row.video in part]


CSV = DatasetEntry(
    build_csv, "csv:FILE", "videos that a file lists as path,label or path,label,split"
)
"""The entry of the registry."""
