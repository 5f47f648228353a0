"""A small video file for the command line."""

from pathlib import Path

import av
import numpy as np


def write_video(path: Path, frames: int = 20, seed: int = 0) -> None:
    """Write noise, 48 x 40 pixels, as MPEG-4."""
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 40, "yuv420p"
        for _ in range(frames):
            pixels = rng.integers(0, 256, size=(40, 48, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
