"""What a lossy video file leaves of a clip."""

import io
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from advvid.data.video.writing import encode, to_frames
from advvid.errors import InputError


def h264_round_trip(clips: Tensor, *, crf: int = 23, fps: int = 25) -> Tensor:
    """Encode clips as H.264 and decode them again, in memory.

    Args:
        clips: float (B, 3, T, H, W) in [0, 1].
        crf: constant rate factor of x264, 0 (hardly any loss) to 51.
        fps: frames a second.

    Returns:
        float32 (B, 3, T, H, W) in [0, 1], on the device of `clips`. Odd sides are padded for the
        encoder and cut again.

    Raises:
        InputError: for a rate factor out of range.
    """
    if not 0 <= crf <= 51:
        raise InputError(f"the constant rate factor goes from 0 to 51; got {crf}")
    height, width = clips.shape[-2:]
    coded = []
    for clip in clips:
        # 4:2:0 halves both sides.
        even = F.pad(clip, (0, width % 2, 0, height % 2), mode="replicate")
        coded.append(_round_trip(even, crf, fps)[..., :height, :width])
    return torch.stack(coded).to(clips.device)


def _round_trip(clip: Tensor, crf: int, fps: int) -> Tensor:
    import av
    from av.video.reformatter import ColorRange, Colorspace

    file = io.BytesIO()
    options = {"crf": str(crf), "preset": "medium", "threads": "1"}
    encode(
        file,
        to_frames(clip).numpy(),
        codec="libx264",
        pixel_format="yuv420p",
        fps=Fraction(fps),
        options=options,
    )
    file.seek(0)
    with av.open(file, "r") as container:
        images = [
            frame.reformat(
                format="rgb24",
                src_colorspace=Colorspace.ITU601,
                src_color_range=ColorRange.MPEG,
            ).to_ndarray()
            for frame in container.decode(video=0)
        ]
    decoded = torch.from_numpy(np.stack(images)).permute(3, 0, 1, 2)
    return decoded.to(torch.float32).div_(255)
