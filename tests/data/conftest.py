"""Small videos, made for the tests of advvid.data."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from torch import Tensor

MakeVideo = Callable[..., Path]
"""(name, *, frames, size, codec, gop, b_frames, rate, times, options, rotate) -> path."""


def picture(index: int, frames: int, size: tuple[int, int]) -> VideoFrame:
    """A bar that grows with the index, on a texture; no two frames of a video are alike."""
    width, height = size
    image = np.random.default_rng(0).integers(0, 60, (height, width, 3))
    image[:, : max(1, width * (index + 1) // frames)] += 120
    image[..., index % 3] += 40
    return VideoFrame.from_ndarray(image.astype(np.uint8), format="rgb24")


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    def make(
        name: str,
        *,
        frames: int = 30,
        size: tuple[int, int] = (64, 48),
        codec: str = "mpeg4",
        gop: int = 12,
        b_frames: int = 0,
        rate: int = 25,
        times: list[int] | None = None,
        options: dict[str, str] | None = None,
        rotate: int = 0,
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.gop_size = gop
            stream.max_b_frames = b_frames
            stream.thread_count = 1
            stream.options = dict(options or {})
            if rotate:
                stream.set_display_rotation(rotate)
            unit = Fraction(1, rate) if times is None else Fraction(1, 1000)
            if times is not None:
                stream.codec_context.time_base = unit
            for index in range(frames):
                frame = picture(index, frames, size)
                frame.pts, frame.time_base = index if times is None else times[index], unit
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return make


@pytest.fixture
def decode_all() -> Callable[[Path], Tensor]:
    """The plain way: decode the whole file, uint8 (3, N, H, W)."""

    def decode(path: Path) -> Tensor:
        reformatter = VideoReformatter()
        with av.open(str(path)) as container:
            images = [
                reformatter.reformat(
                    frame,
                    frame.width,
                    frame.height,
                    "rgb24",
                    interpolation=Interpolation.BILINEAR,
                ).to_ndarray()
                for frame in container.decode(video=0)
            ]
        return torch.from_numpy(np.stack(images)).permute(3, 0, 1, 2)

    return decode


@pytest.fixture(scope="session")
def ucf11() -> Path:
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "ucf11"
    if not folder.is_dir():
        pytest.skip(f"real clips are not there: {folder}")
    return folder
