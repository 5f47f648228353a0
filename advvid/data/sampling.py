"""Which frames of a video make a clip: pure functions from a frame count to frame indices.

Frames are counted as they are presented, so a video of variable frame rate is sampled by frame,
not by second.
"""

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def uniform_indices(
    count: int,
    frames: int,
    *,
    clip: int = 0,
    clips: int = 1,
    rng: np.random.Generator | None = None,
) -> Indices:
    """One frame from each of T equal segments of the video.

    Segment i is [i N / T, (i + 1) N / T). The evaluation view takes its center, and with several
    clips a video clip k takes the point (k + 1/2) / K of it; the training view a random point.
    A video of N < T frames shows each frame about T / N times, in order.

    Args:
        count: frames of the video, N >= 1.
        frames: frames of the clip, T >= 1.
        clip: which clip of the video, 0 to clips - 1.
        clips: clips a video, K >= 1.
        rng: source of the training view; None for the evaluation view.

    Returns:
        Non-decreasing indices (T,) in 0..N-1.

    """
    segments = np.arange(frames, dtype=np.int64)
    if rng is None:
        # Whole numbers only: a float product could fall into the segment before.
        return ((2 * clips * segments + 2 * clip + 1) * count) // (2 * clips * frames)
    points = (segments + rng.uniform(size=frames)) * count / frames
    return np.minimum(points.astype(np.int64), count - 1)


def dense_indices(
    count: int,
    frames: int,
    *,
    stride: int = 1,
    clip: int = 0,
    clips: int = 1,
    rng: np.random.Generator | None = None,
) -> Indices:
    """T frames at a fixed stride from one window of the video.

    The window starts at (k + 1/2) / K of the room it has (evaluation view, clip k of K: a single
    clip is centered) or anywhere (training view). A video shorter than the window is looped:
    after its last frame comes its first.

    Args:
        count: frames of the video, N >= 1.
        frames: frames of the clip, T >= 1.
        stride: distance of two frames of the clip, >= 1.
        clip: which clip of the video, 0 to clips - 1.
        clips: clips a video, K >= 1.
        rng: source of the training view; None for the evaluation view.

    Returns:
        Indices (T,) in 0..N-1.

    """
    room = count - ((frames - 1) * stride + 1)
    if rng is not None:
        start = int(rng.integers(room + 1 if room >= 0 else count))
    elif room >= 0:
        start = (2 * clip + 1) * room // (2 * clips)
    else:
        start = clip * count // clips
    return (start + stride * np.arange(frames, dtype=np.int64)) % count
