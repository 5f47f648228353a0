"""From a spec to a data set."""

import os
from pathlib import Path
from typing import Any

from advvid.data.clip_dataset import ClipDataset
from advvid.data.options import DatasetOptions
from advvid.data.readers.folder import SINGLE_VIDEO
from advvid.data.readers.video_files import is_video_name
from advvid.data.registry import DATASETS
from advvid.errors import InputError


def load_dataset(spec: str = "motions", **options: Any) -> ClipDataset:
    """Build a data set from its spec; no video is opened yet.

    Args:
        spec: "motions", "motions:N" (N training clips), "folder:DIR", "ucf11:DIR", "ucf101:DIR",
            or a video file (its label is -1, unknown).
        options: fields of `advvid.data.DatasetOptions`, which explains them: split ("train", "val",
            "test", "all"), fold, frames, size, sampling, stride, clips_per_video, short_side, flip,
            augment, decoder, on_bad_video ("raise", "skip"), seed.

    Raises:
        InputError: unknown spec, missing or empty folder, option out of range or without meaning
            for this data set.
    """
    asked = DatasetOptions.of(options)
    name, _, argument = spec.partition(":")
    if name in DATASETS:
        return DATASETS[name].build(argument, asked)
    path = Path(spec).expanduser()
    if path.is_file():
        return SINGLE_VIDEO.build(str(path), asked)
    if path.is_dir():
        raise InputError(f"{spec} is a folder: say what it holds, such as folder:{spec}")
    if is_video_name(spec) or os.sep in name:
        raise InputError(f"no such file: {spec}")
    return DATASETS.find(name).build(argument, asked)
