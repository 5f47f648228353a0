"""Writing clips as video files without loss."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.errors import InputError
from advvid.runs.files import write_atomically

Image = npt.NDArray[np.uint8]
"""(H, W, 3), RGB."""


def write_video(path: Path, clip: Tensor, *, fps: int = 25) -> None:
    """Write a clip as FFV1 in Matroska: lossless, 8 bits, RGB.

    Args:
        path: a file that ends in .mkv.
        clip: (3, T, H, W), uint8, or float in [0, 1], which is rounded to 8 bits.
        fps: frames a second, at least 1.

    Raises:
        InputError: for another shape or ending, or when the file cannot be written.
    """
    if path.suffix != ".mkv":
        raise InputError(f"lossless video is written as .mkv; got {path.name}")
    check_rate(fps)
    write_frames(path, to_frames(clip).numpy(), fps=Fraction(fps))


def check_rate(fps: float) -> None:
    """Refuse a frame rate that no video has.

    Raises:
        InputError: when it is below 1 or above 1000 frames a second.
    """
    if not 1 <= fps <= 1000:
        raise InputError(f"fps must be at least 1 and at most 1000 frames a second; got {fps:.6g}")


def write_frames(path: Path, images: Iterable[Image], *, fps: Fraction) -> None:
    """Write images as `write_video` writes a clip, one at a time.

    Args:
        path: a file that ends in .mkv.
        images: uint8 (H, W, 3) each, RGB, of one size.
        fps: frames a second.

    Raises:
        InputError: when the file cannot be written.
    """

    def write(temporary: Path) -> None:
        encode(str(temporary), images, codec="ffv1", pixel_format="bgr0", fps=fps)

    write_atomically(path, write)


def to_frames(clip: Tensor) -> Tensor:
    """Turn a clip (3, T, H, W) into images uint8 (T, H, W, 3).

    Raises:
        InputError: for another shape.
    """
    if clip.ndim != 4 or clip.shape[0] != 3 or 0 in clip.shape:
        raise InputError(f"a clip must be (3, T, H, W); got {tuple(clip.shape)}")
    if clip.is_floating_point():
        clip = (clip * 255).round().clamp(0, 255).to(torch.uint8)
    return clip.permute(1, 2, 3, 0).contiguous().cpu()


def encode(
    file: Any,
    images: Iterable[Image],
    *,
    codec: str,
    pixel_format: str,
    fps: Fraction,
    options: dict[str, str] | None = None,
    container_format: str = "matroska",
) -> None:
    """Encode images with PyAV.

    Args:
        file: path or binary file.
        images: uint8 (H, W, 3) each, RGB, of one size; taken one at a time.
        codec: name of the encoder.
        pixel_format: that it is given.
        fps: frames a second.
        options: of the encoder.
        container_format: of the file.
    """
    import av
    from av.video.reformatter import ColorRange, Colorspace

    with av.open(file, "w", format=container_format) as container:
        stream: Any = container.add_stream(codec, rate=fps, options=options or {})
        stream.pix_fmt = pixel_format
        planar = pixel_format.startswith("yuv")
        for number, image in enumerate(images):
            if number == 0:
                stream.height, stream.width = image.shape[:2]
            frame: Any = av.VideoFrame.from_ndarray(image, format="rgb24")
            if planar:
                # Named on both ways, or small frames are read back with other colors.
                frame = frame.reformat(
                    format=pixel_format,
                    dst_colorspace=Colorspace.ITU601,
                    dst_color_range=ColorRange.MPEG,
                )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
