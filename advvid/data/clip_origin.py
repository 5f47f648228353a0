"""Where a clip comes from."""

from typing import NamedTuple


class ClipOrigin(NamedTuple):
    """The video that a clip is taken from, and its frames there."""

    video: str
    """Name that stays the same wherever the data lie. Clips of one video are not independent of
    each other: intervals count videos."""
    frames: tuple[int, ...] = ()
    """Numbers of the frames in the video, from 0; empty where the clip is not taken from one."""
    path: str | None = None
    """File of the video, or None."""
