"""Where the frames of a video are: their times and the points that decoding can start from."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.data.video.packets import Damage, open_video, sound_frames
from advvid.methods.arguments import checked

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_TIMED_FORMATS = frozenset({"mov", "matroska", "avi", "asf", "flv"})
"""Containers that store a time with every packet. Elsewhere (MPEG program streams, raw streams)
times are guessed from what was read before, so the same frame gets another one after a seek."""
_CACHED = 4096  # indices of about 3 kB each, for a video of 10 seconds


@dataclass(frozen=True)
class VideoInfo:
    """What a video holds, read from its packets without decoding them."""

    frames: int
    """Number of frames, as the container states it where the file was cut short."""
    present: int
    """Number of frames that are there; below `frames` in a file cut short."""
    fps: float
    """Mean frame rate."""
    duration: float
    """Seconds."""
    times: npt.NDArray[np.int64] | None
    """Time of each frame that is there, ascending, in units of the stream; None where the file
    has no usable times and frames can only be counted."""
    starts: npt.NDArray[np.int64]
    """Indices of the frames that decoding can start from, ascending."""
    seek_times: npt.NDArray[np.int64]
    """Decoding time of each start."""


@checked
def video_info(path: str | os.PathLike[str]) -> VideoInfo:
    """Frame count, rate, duration and the index for seeking, remembered per file in this process.

    Raises:
        BadVideoError: the file is missing, empty or no video.
    """
    try:
        state = Path(path).stat()
    except (OSError, ValueError) as error:  # ValueError: text that cannot be a name
        reason = str(getattr(error, "strerror", None) or error)
        reason = "no such file" if isinstance(error, FileNotFoundError) else reason
        raise BadVideoError(BadVideo(str(path), reason)) from error
    return _indexed(str(path), (state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=_CACHED)
def _indexed(path: str, state: tuple[int, int]) -> VideoInfo:
    """The index of a file in the state (size, time of change) that it has now."""
    if state[0] == 0:
        raise BadVideoError(BadVideo(path, "the file is empty"))
    container, stream = open_video(path)
    with container:
        timed = _is_timed(container, stream)
        stated_end = _stated_end(container, stream)
        points = _scan_packets(container, stream) if timed else []
        # VP8 has packets that show nothing: there too only decoding tells the frames.
        if stream.codec_context.name == "vp8" or not _usable(points):
            points = _scan_frames(path)
        if not points:
            raise BadVideoError(BadVideo(path, "no video frame in it"))
        usable = timed and _usable(points)
        time_base = float(stream.time_base or 1)
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        stated_frames = stream.frames

    present, frames = len(points), len(points)
    times = np.array([time for time, _, _ in points], dtype=np.int64) if usable else None
    starts = np.array([i for i, (_, _, key) in enumerate(points) if key], dtype=np.int64)
    if times is None:
        if stated_frames > present:
            frames, present = stated_frames, _whole_start(points, starts, timed=False)
        duration = frames / rate if rate else 0.0
    else:
        frame_time = 1 / (rate * time_base) if rate else 1.0
        step = float(times[-1] - times[0]) / (present - 1) if present > 1 else frame_time
        end = float(times[-1]) + step
        # A count that is stated must exceed the frames found. Where only a duration is
        # stated, it may be rounded or end with a frame that is shown for long, unless frames
        # are missing before the last ones.
        longest = float(np.diff(times).max()) if present > 1 else step
        whole = _whole_start(points, starts, timed=True)
        hole = whole < present and longest > np.diff(times[:whole]).max(initial=0)
        slack = 1.5 * step if stated_frames or hole else max(0.5 / time_base, 2 * longest)
        if stated_end is not None and stated_end - end > slack and not 0 < stated_frames <= present:
            present = whole
            if present > 1:
                step = float(times[present - 1] - times[0]) / (present - 1)
            end = float(times[present - 1]) + step
            frames = max(stated_frames, present + round((stated_end - end) / step))
        duration = (end - float(times[0])) * time_base * frames / present
    starts = starts[starts < present]
    return VideoInfo(
        frames=frames,
        present=present,
        fps=frames / duration if duration else rate,
        duration=duration,
        times=None if times is None else times[:present],
        starts=starts,
        seek_times=np.array([points[i][1] or 0 for i in starts], dtype=np.int64),
    )


def _whole_start(points: list["_Point"], starts: npt.NDArray[np.int64], *, timed: bool) -> int:
    """How many of the first frames of a file cut short are there without a gap."""
    if not timed:
        return int(starts[-1]) if len(starts) > 1 else 1
    # A frame is stored before those that are shown before it and predicted from it. What is stored
    # later has a later decoding time, and is shown no sooner than that.
    stored = [start for _, start, _ in points if start is not None]
    last = max(stored, default=0)
    return max(1, sum(time is not None and time <= last for time, _, _ in points))


def _is_timed(container: "InputContainer", stream: "VideoStream") -> bool:
    """Whether the file holds a time of each frame."""
    kind, codec = container.format.name.partition(",")[0], stream.codec_context
    # An AVI numbers its packets, and FFmpeg cannot tell the order in which frames of these are
    # shown from the order in which they are stored.
    if kind == "avi" and codec.name in ("h264", "hevc") and codec.has_b_frames:
        return False
    return kind in _TIMED_FORMATS


_Point = tuple[int | None, int | None, bool]
"""Presentation time, decoding time, whether decoding can start here."""


def _scan_packets(container: "InputContainer", stream: "VideoStream") -> list[_Point]:
    """What the packets say of the frames, in order of presentation."""
    import av

    points: list[_Point] = []
    try:
        for packet in container.demux(stream):
            # A cut last packet is marked corrupt; a frame outside the edit list is never shown.
            if packet.size and not packet.is_corrupt and not packet.is_discard:
                time = packet.pts
                start = time if packet.dts is None else packet.dts
                points.append((time, start, packet.is_keyframe))
    except av.FFmpegError:
        pass  # the file ends in the middle; what came before it counts as present
    return sorted(points, key=lambda point: (point[0] is None, point[0] or 0))


def _scan_frames(path: str) -> list[_Point]:
    """What decoding everything says of the frames, in order of presentation."""
    import av

    container, stream = open_video(path)
    with container:
        try:
            return [
                (frame.pts, frame.pts, frame.key_frame)
                for frame in sound_frames(container, stream, conceal=False)
                if not isinstance(frame, Damage)
            ]
        except av.FFmpegError as error:
            reason = f"decoding fails ({error.strerror})"
            raise BadVideoError(BadVideo(path, reason)) from error


def _usable(points: list[_Point]) -> bool:
    times = [time for time, _, _ in points]
    return bool(times) and all(
        earlier is not None and later is not None and earlier < later
        for earlier, later in zip([-(2**63), *times], times, strict=False)
    )


def _stated_end(container: "InputContainer", stream: "VideoStream") -> float | None:
    """End of the video that the container states, in units of the stream; None if it does not."""
    kind = container.format.name.partition(",")[0]
    if kind in ("mov", "avi") and stream.duration:
        return float(stream.start_time or 0) + float(stream.duration)
    # These state it for the whole file only, counted from 0, and sound may last longer.
    if kind in ("matroska", "flv") and container.duration and len(container.streams) == 1:
        return float(container.duration) / 1e6 / float(stream.time_base or 1)
    return None
