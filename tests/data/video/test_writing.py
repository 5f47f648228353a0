from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from advvid.data import load_dataset
from advvid.data.video import read_frames
from advvid.data.video.round_trip import h264_round_trip
from advvid.data.video.writing import write_video
from advvid.errors import InputError


@settings(max_examples=12, deadline=None)
@given(frames=st.integers(1, 9), height=st.integers(2, 41), width=st.integers(2, 41))
def test_lossless_video_reads_back_the_same(
    frames: int, height: int, width: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("video") / "clip.mkv"
    generator = torch.Generator().manual_seed(frames)
    clip = torch.randint(256, (3, frames, height, width), dtype=torch.uint8, generator=generator)
    write_video(path, clip, fps=8)
    assert torch.equal(read_frames(path, range(frames)), clip)
    write_video(path, clip.float() / 255 + 0.3 / 255)
    assert torch.equal(read_frames(path, range(frames)), clip)


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    clip = torch.zeros(3, 2, 8, 8)
    for path, wrong in ((tmp_path / "a.mp4", clip), (tmp_path / "a.mkv", clip[0])):
        with pytest.raises(InputError):
            write_video(path, wrong)
    with pytest.raises(InputError, match="cannot write"):
        write_video(Path("/proc/nowhere/a.mkv"), clip)
    assert list(tmp_path.iterdir()) == []


def psnr(first: torch.Tensor, second: torch.Tensor) -> float:
    return float(-10 * (first - second).square().mean().log10())


def test_h264_loses_more_with_a_higher_rate_factor() -> None:
    clips, _ = load_dataset("motions", size=64).sample(2, seed=0)
    quality = [psnr(clips, h264_round_trip(clips, crf=crf)) for crf in (1, 23, 40)]
    assert quality[0] > 30
    assert quality[0] > quality[1] + 2 > quality[2] + 4


def test_h264_keeps_shape_colors_and_the_order_of_frames() -> None:
    """Each frame has a gray of its own; odd sides are padded and cut."""
    clips = torch.linspace(0.1, 0.9, 7).view(1, 1, 7, 1, 1).expand(2, 3, 7, 33, 47).clone()
    clips[1, 0] = 0.9 - 0.1 * torch.arange(7).view(7, 1, 1)
    coded = h264_round_trip(clips, crf=10)
    assert coded.shape == clips.shape
    assert coded.dtype == torch.float32
    torch.testing.assert_close(coded.mean((3, 4)), clips.mean((3, 4)), atol=0.03, rtol=0)
    assert torch.equal(coded, h264_round_trip(clips, crf=10))
    one = h264_round_trip(clips[:1, :, :1], crf=0)
    torch.testing.assert_close(one, clips[:1, :, :1], atol=0.02, rtol=0)


@pytest.mark.parametrize("crf", [-1, 52])
def test_rate_factors_out_of_range_are_refused(crf: int) -> None:
    with pytest.raises(InputError, match="0 to 51"):
        h264_round_trip(torch.zeros(1, 3, 2, 8, 8), crf=crf)
