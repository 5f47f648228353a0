from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from advvid.data.registry import load_dataset
from advvid.data.video import read_frames
from advvid.errors import InputError

MakeVideo = Callable[..., Path]


def load(path: Path, **options: Any) -> Any:
    return load_dataset(str(path), **options)


def test_defaults_are_16_frames_of_112_pixels(make_video: MakeVideo) -> None:
    dataset = load(make_video("a.avi", frames=20, size=(160, 120)))
    clip, label = dataset.clip(0)
    assert clip.shape == dataset.clip_shape == (3, 16, 112, 112)
    assert clip.dtype == torch.uint8
    assert label == -1
    assert dataset.classes == ("unknown",)
    assert dataset.short_side == 128


def test_evaluation_view_is_the_center_of_uniform_frames(make_video: MakeVideo) -> None:
    path = make_video("a.avi", frames=20, size=(64, 48))
    clip, _ = load(path, frames=4, size=32, short_side=48).clip(0)
    assert torch.equal(clip, read_frames(path, [2, 7, 12, 17])[:, :, 8:40, 16:48])


def test_training_views_are_functions_of_the_draw(make_video: MakeVideo) -> None:
    path = make_video("a.avi", frames=40)
    dataset = load(path, frames=4, size=32)
    views = [dataset.clip(0, draw)[0] for draw in range(6)]
    again = load(path, frames=4, size=32)
    assert all(torch.equal(again.clip(0, draw)[0], view) for draw, view in enumerate(views))
    assert len({view.numpy().tobytes() for view in views}) == 6
    other_seed = load(path, frames=4, size=32, seed=1)
    assert not torch.equal(other_seed.clip(0, 0)[0], views[0])


def test_flip_mirrors_half_of_the_training_views(make_video: MakeVideo) -> None:
    path = make_video("a.avi", frames=1, size=(32, 32))
    options = {"frames": 1, "size": 32, "short_side": 32}
    plain = load(path, **options).clip(0)[0]
    views = [load(path, **options).clip(0, draw)[0] for draw in range(40)]
    mirrored = sum(torch.equal(view, plain.flip(3)) for view in views)
    assert sum(torch.equal(view, plain) for view in views) == 40 - mirrored
    assert 10 < mirrored < 30
    unflipped = load(path, **options, flip=False)
    assert all(torch.equal(unflipped.clip(0, draw)[0], plain) for draw in range(10))


def test_several_clips_a_video_are_spread_and_named(make_video: MakeVideo) -> None:
    path = make_video("a.avi", frames=30, size=(32, 32))
    dataset = load(path, frames=2, size=32, short_side=32, clips_per_video=3, sampling="dense")
    assert len(dataset) == 3
    assert [dataset.identity(i) for i in range(3)] == ["a.avi#0", "a.avi#1", "a.avi#2"]
    for part, start in enumerate((4, 14, 23)):
        assert torch.equal(dataset.clip(part)[0], read_frames(path, [start, start + 1]))


def test_another_way_of_sampling_sees_the_same_videos(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    for name in ("a/0.avi", "a/1.avi", "b/2.avi"):
        make_video(f"set/{name}", frames=30, size=(32, 32))
    shape: dict[str, Any] = {"split": "all", "frames": 2, "size": 32, "short_side": 32}
    dataset = load_dataset(f"folder:{tmp_path}/set", **shape, clips_per_video=2)
    dense = dataset.resampled("dense", 3)
    assert dense.identity(7) == "b/2.avi#1"
    assert dense.labels.tolist() == [0] * 6 + [1] * 3
    path = tmp_path / "set" / "b" / "2.avi"
    assert torch.equal(dense.clip(7)[0], read_frames(path, [14, 15]))
    assert torch.equal(dataset.resampled("dense", 1, 4).clip(2)[0], read_frames(path, [12, 16]))
    assert torch.equal(dense.resampled("uniform", 2).clip(5)[0], dataset.clip(5)[0])

    subset = dataset.subset([5, 0, 4]).subset([0, 2, 1])
    seen = subset.resampled("dense", 2)
    assert [seen.identity(i) for i in range(6)] == [
        f"{video}#{k}" for video in ("b/2.avi", "b/2.avi", "a/0.avi") for k in (0, 1)
    ]
    assert seen.labels.tolist() == [1, 1, 1, 1, 0, 0]
    with pytest.raises(InputError, match="clips_per_video must be a whole number of at least 1"):
        dataset.resampled("dense", 0)
    with pytest.raises(InputError, match="not taken from videos"):
        load_dataset("motions").subset([3]).resampled("dense", 2)


def test_dense_stride_and_short_videos(make_video: MakeVideo) -> None:
    path = make_video("a.avi", frames=5, size=(32, 32))
    options: dict[str, Any] = {"size": 32, "short_side": 32, "sampling": "dense", "stride": 2}
    assert torch.equal(load(path, frames=4, **options).clip(0)[0], read_frames(path, [0, 2, 4, 1]))
    uniform = load(path, frames=10, size=32, short_side=32).clip(0)[0]
    assert torch.equal(uniform, read_frames(path, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]))


def test_a_short_side_below_the_crop_is_refused(make_video: MakeVideo) -> None:
    with pytest.raises(InputError, match="short side of 100 is below the crop of 112"):
        load(make_video("a.avi"), short_side=100)


def test_indices_beyond_the_end_are_refused(make_video: MakeVideo) -> None:
    with pytest.raises(IndexError):
        load(make_video("a.avi")).clip(1)


def test_every_kind_of_real_clip_decodes(ucf11: Path) -> None:
    dataset = load_dataset(f"ucf11:{ucf11}", split="all", frames=4)
    sizes = {(300, 240), (320, 262), (320, 239), (320, 182)}
    for index in range(0, len(dataset), 12):
        clip, label = dataset.clip(index, 0)
        assert clip.shape == (3, 4, 112, 112)
        assert dataset.identity(index).startswith(dataset.classes[label])
        assert clip.float().std() > 5
    import av

    seen = set()
    for path in ucf11.glob("*/*/*_01.avi"):
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            seen.add((video.width, video.height))
        assert read_frames(path, [1], short_side=128).shape[2:].numel() >= 128 * 128
    assert seen & sizes
