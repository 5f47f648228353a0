"""The same frames of the same video are one clip, however often they are asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from advvid.data import load_dataset
from advvid.data.memory_dataset import MemoryDataset
from advvid.errors import InputError
from advvid.pairing import load_in_memory, load_subject

MakeVideo = Callable[..., Path]
SHAPE: dict[str, Any] = {"frames": 8, "size": 32}


def test_a_file_has_its_different_clips_only(make_video: MakeVideo) -> None:
    path = str(make_video("one.mp4", frames=40, codec="libx264"))
    # 8 segments of 5 frames: the clips start at frames 0 to 4.
    dataset = load_dataset(path, **SHAPE, clips_per_video=100)
    assert len(dataset) == len(dataset.labels) == 5
    origins = [dataset.origin(index) for index in range(5)]
    assert [origin.frames[0] for origin in origins] == [0, 1, 2, 3, 4]
    assert {origin.video for origin in origins} == {"one.mp4"}
    assert len({dataset.identity(index) for index in range(5)}) == 5
    assert len(load_dataset(path, **SHAPE, clips_per_video=100, sampling="dense")) == 32
    assert len(load_dataset(path, frames=40, size=32, clips_per_video=100)) == 1
    assert len(load_dataset(path, **SHAPE)) == 1
    seen = dataset.resampled("dense", 2)
    assert (len(seen), dataset.video_number(4)) == (2, 0)


def test_a_subject_says_how_many_clips_a_file_has(make_video: MakeVideo) -> None:
    path = str(make_video("one.mp4", frames=40, codec="libx264"))
    subject = load_subject("motions-r3d", path, clips=100)
    assert (subject.count, len(subject.dataset)) == (5, 5)
    assert subject.notes[0] == f"{path} has 5 different clips, not 100"
    loaded = load_in_memory("motions-r3d", path, clips=100, device="cpu")
    assert (len(loaded.clips), loaded.videos) == (5, ["one.mp4"] * 5)


def test_short_videos_of_a_folder_count_once(make_video: MakeVideo) -> None:
    for name in ("a/long.avi", "b/short.avi"):
        make_video(f"set/{name}", frames=8 if "short" in name else 80, size=(32, 32))
    folder = make_video("set/b/other.avi", frames=9, size=(32, 32)).parents[1]
    dataset = load_dataset(f"folder:{folder}", **SHAPE, split="all", clips_per_video=4)
    # No video is opened to know the length, and equal clips tell so.
    assert len(dataset) == 12
    origins = [dataset.subset([index]).origin(0) for index in range(12)]
    assert len(set(origins[:4])) == 4
    assert len(set(origins[8:])) == 1
    different = len(set(origins))
    assert different < 12
    assert len(dataset.sample(different)[0]) == different
    with pytest.raises(InputError, match=f"only {different} of the 12 clips of .* differ"):
        dataset.sample(different + 1)


def test_equal_clips_in_memory_are_of_one_video() -> None:
    clips = torch.rand(3, 3, 2, 8, 8)[[0, 1, 0, 2]]
    dataset = MemoryDataset(clips, torch.tensor([0, 1, 0, 1]), ("a", "b"))
    videos = [dataset.origin(index).video for index in range(4)]
    assert videos[0] == videos[2]
    assert len(set(videos)) == 3
    motions = load_dataset("motions")
    assert len({motions.origin(index) for index in range(50)}) == 50
