"""From a spec to a data set."""

import difflib
import os
from pathlib import Path

from advvid.data.clip_dataset import ClipDataset, OnBadVideo
from advvid.data.options import DatasetOptions, Sampling, Split
from advvid.data.readers.folder import build_single_video
from advvid.data.readers.video_files import is_video_name
from advvid.data.registry import DATASETS
from advvid.errors import InputError


def load_dataset(
    spec: str = "motions",
    *,
    split: Split = "test",
    fold: int | None = None,
    frames: int | None = None,
    size: int | None = None,
    sampling: Sampling = "uniform",
    stride: int | None = None,
    clips_per_video: int = 1,
    short_side: int | None = None,
    flip: bool = True,
    on_bad_video: OnBadVideo = "raise",
    seed: int = 0,
) -> ClipDataset:
    """Build a data set from its spec; no video is opened yet.

    Args:
        spec: "motions", "motions:N" (N training clips), "folder:DIR", "ucf11:DIR", "ucf101:DIR",
            or a video file (its label is -1, unknown).
        split: "train", "val", "test", or "all" (not motions). Data sets of videos without a
            validation part give their test part as "val".
        fold: which part is held out: the group of ucf11 (3), the list of ucf101 (1 to 3, 1).
        frames: T; 8 for motions, 16 for videos.
        size: H = W in pixels; 32 for motions, 112 for videos.
        sampling: "uniform", a frame of each of T equal segments; "dense", T frames at `stride`.
        stride: distance in frames of dense sampling; 1.
        clips_per_video: clips taken from each video, evenly spread.
        short_side: pixels that the shorter side is resized to before cropping; 8/7 of `size`.
        flip: whether training views of videos are mirrored half of the time: say no where left
            and right are different classes.
        on_bad_video: what `sample` and the loader do at a video that cannot be read: "raise", or
            "skip" it and list it.
        seed: of the generated clips of motions, and of the training views.

    Raises:
        InputError: unknown spec, missing or empty folder, option out of range or without meaning
            for this data set.

    """
    options = DatasetOptions(
        split=split,
        fold=fold,
        frames=frames,
        size=size,
        sampling=sampling,
        stride=stride,
        clips_per_video=clips_per_video,
        short_side=short_side,
        flip=flip,
        on_bad_video=on_bad_video,
        seed=seed,
    )
    name, _, argument = spec.partition(":")
    if name in DATASETS:
        return DATASETS[name].build(argument, options)
    path = Path(spec).expanduser()
    if path.is_file():
        return build_single_video(str(path), options)
    if path.is_dir():
        raise InputError(f"{spec} is a folder: say what it holds, such as folder:{spec}")
    if is_video_name(spec) or os.sep in name:
        raise InputError(f"no such file: {spec}")
    near = difflib.get_close_matches(name, DATASETS) or list(DATASETS)
    raise InputError(
        f"unknown data set {spec!r}: did you mean {' or '.join(near)}, or the path of a video?"
    )
