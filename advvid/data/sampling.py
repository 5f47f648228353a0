"""Which frames of a video make a clip: from a frame count to frame indices.

Frames are counted as they are presented, so a video of variable frame rate is sampled by frame,
not by second.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from advvid.errors import InputError
from advvid.methods import MethodRegistry, Setting, check_settings

Indices = npt.NDArray[np.int64]
Rng = np.random.Generator | None
"""Source of chance of a training view; None for the evaluation view, which has none."""


@dataclass(frozen=True)
class Sampler(ABC):
    """A way of choosing the frames of a clip; a subclass is a frozen dataclass of settings."""

    def __post_init__(self) -> None:
        """Check the settings."""
        check_settings(self)

    @abstractmethod
    def __call__(self, count: int, frames: int, *, clip: int, clips: int, rng: Rng) -> Indices:
        """Choose the frames of one clip.

        Args:
            count: frames of the video, N >= 1.
            frames: frames of the clip, T >= 1.
            clip: which clip of the video, 0 to clips - 1.
            clips: clips a video, K >= 1.
            rng: of the training view; None for the evaluation view.

        Returns:
            Indices (T,) in 0..N-1.
        """


@dataclass(frozen=True)
class Uniform(Sampler):
    """One frame from each of T equal segments of the video, in order.

    Segment i is [i N / T, (i + 1) N / T). The evaluation view takes its center, and with several
    clips a video clip k takes the point (k + 1/2) / K of it; the training view a random point.
    A video of N < T frames shows each frame about T / N times.
    """

    def __call__(self, count: int, frames: int, *, clip: int, clips: int, rng: Rng) -> Indices:
        """Choose the frames of one clip."""
        segments = np.arange(frames, dtype=np.int64)
        if rng is None:
            # Whole numbers only: a float product could fall into the segment before.
            return ((2 * clips * segments + 2 * clip + 1) * count) // (2 * clips * frames)
        points = (segments + rng.uniform(size=frames)) * count / frames
        return np.minimum(points.astype(np.int64), count - 1)


@dataclass(frozen=True)
class Dense(Sampler):
    """T frames at a fixed stride from one window of the video.

    The window starts at (k + 1/2) / K of the room it has (evaluation view, clip k of K: a single
    clip is centered) or anywhere (training view). A video shorter than the window is looped:
    after its last frame comes its first.
    """

    stride: Annotated[
        int, Setting("distance of two frames", unit="frames", at_least=1, at_most=1_000_000)
    ] = 1

    def __call__(self, count: int, frames: int, *, clip: int, clips: int, rng: Rng) -> Indices:
        """Choose the frames of one clip."""
        room = count - ((frames - 1) * self.stride + 1)
        if rng is not None:
            start = int(rng.integers(room + 1 if room >= 0 else count))
        elif room >= 0:
            start = (2 * clip + 1) * room // (2 * clips)
        else:
            start = clip * count // clips
        return (start + self.stride * np.arange(frames, dtype=np.int64)) % count


SAMPLERS: MethodRegistry[Sampler] = MethodRegistry(
    "sampling", Sampler, {"uniform": Uniform, "dense": Dense}
)


def read_sampler(given: str | Sampler, stride: int | None = None) -> Sampler:
    """Give the sampler that a text names; an object passes through.

    Args:
        given: such as "uniform", "dense:stride=2" or "package.module:Class".
        stride: the setting of this name, where it is not part of the text.

    Raises:
        InputError: for an unknown name, a wrong setting, or a stride that has no effect.
    """
    sampler = SAMPLERS.read(given, **({} if stride is None else {"stride": stride}))
    if stride is not None and getattr(sampler, "stride", None) != stride:
        raise InputError(
            f"stride {stride} goes with dense sampling; got sampling {given}: "
            "set sampling='dense' or leave the stride out"
        )
    return sampler
