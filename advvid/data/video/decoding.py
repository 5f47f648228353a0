"""Reading chosen frames of a video file: seek, decode, convert to RGB, resize."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.data.video.index import VideoInfo, video_info
from advvid.data.video.packets import Damage, open_video, sound_frames
from advvid.errors import InputError
from advvid.methods.arguments import checked

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream


_INTRA = 1  # FFmpeg's number of an I frame


@checked
def read_frames(
    path: str | os.PathLike[str],
    indices: Sequence[int],
    *,
    short_side: int | None = None,
    conceal: bool = False,
) -> Tensor:
    """Decode the frames at `indices`, and as little else as seeking allows.

    Frames are counted as presented, from 0. The result is the same as decoding the whole file
    and picking. Display rotation is applied; pixels count as square.

    Args:
        path: a video file.
        indices: frames wanted, in any order, repeats allowed, each below `video_info(path).frames`.
        short_side: length in pixels that the shorter side is resized to; None for the file's own.
        conceal: take what FFmpeg makes of damaged parts, and for a frame that does not come out the
            one before it.

    Returns:
        uint8 (3, T, H, W), RGB.

    Raises:
        InputError: an index is out of range.
        BadVideoError: the file is no video, or ends before a wanted frame; or a wanted frame is
            damaged, or predicted from one that is. Damage that leaves a valid stream of other
            content cannot be seen: files hold no checksums.
    """
    from av.video.reformatter import VideoReformatter

    name, info = str(path), video_info(path)
    wanted = sorted({int(index) for index in indices})
    if not wanted or wanted[0] < 0 or wanted[-1] >= info.frames:
        raise InputError(
            f"{name} has frames 0 to {info.frames - 1}; got {wanted or 'no index'}: choose of those"
        )
    if wanted[-1] >= info.present and not conceal:
        reason = (
            f"frame {wanted[-1]} of {info.frames} is missing: "
            f"the file was cut short after {info.present} frames"
        )
        raise BadVideoError(BadVideo(name, reason))
    reformatter = VideoReformatter()
    # What is missing at the end is shown as the last frame that is there.
    there = sorted({min(index, info.present - 1) for index in wanted})
    images: dict[int, npt.NDArray[np.uint8]] = {}
    shape: tuple[int, int] | None = None
    for index, frame in _decode(name, info, there, conceal=conceal):
        shape = shape or _resized(frame, short_side)
        images[index] = _to_rgb(frame, shape, reformatter)
    clip = np.stack([images[min(int(index), info.present - 1)] for index in indices])
    return torch.from_numpy(clip).permute(3, 0, 1, 2).contiguous()


def stream_frames(path: str | os.PathLike[str]) -> Iterator[npt.NDArray[np.uint8]]:
    """Decode all frames of a video, one at a time, at their own size and upright.

    Yields:
        uint8 (H, W, 3), RGB; frame i is the i-th that `read_frames` counts.

    Raises:
        BadVideoError: the file is no video, or is damaged.
    """
    from av.video.reformatter import VideoReformatter

    info, reformatter = video_info(path), VideoReformatter()
    for _, frame in _decode(str(path), info, list(range(info.present)), conceal=False):
        yield _to_rgb(frame, (frame.width, frame.height), reformatter)


def _decode(
    path: str, info: VideoInfo, wanted: list[int], *, conceal: bool
) -> "Iterator[tuple[int, VideoFrame]]":
    """Yield the wanted frames, ascending."""
    import av

    container, stream = open_video(path)
    with container:
        # Clips are decoded side by side in worker processes; threads inside each would only add
        # latency after every seek.
        stream.thread_count = 1
        try:
            if info.times is None:
                yield from _by_counting(container, stream, wanted, conceal=conceal)
            else:
                yield from _by_seeking(container, stream, info, info.times, wanted, conceal=conceal)
        except av.FFmpegError as error:
            reason = f"decoding fails ({error.strerror or error})"
            raise BadVideoError(BadVideo(path, reason)) from error
        except _MissingFrameError as error:
            reason = f"frame {error} of {info.frames} cannot be decoded: the file is damaged"
            raise BadVideoError(BadVideo(path, reason)) from error


class _MissingFrameError(Exception):
    """The frame of this index does not come out of the decoder, or not as it was recorded."""


def _by_counting(
    container: "InputContainer", stream: "VideoStream", wanted: list[int], *, conceal: bool
) -> "Iterator[tuple[int, VideoFrame]]":
    remaining = set(wanted)
    index, last = 0, None
    for frame in sound_frames(container, stream, conceal=conceal):
        # What is lost cannot be told from the numbers of the frames behind it.
        if isinstance(frame, Damage) or (frame.is_corrupt and not conceal):
            break
        if index in remaining:
            yield index, frame
            remaining.remove(index)
        if not remaining:
            return
        index, last = index + 1, frame
    if not (conceal and last is not None):
        raise _MissingFrameError(min(remaining))
    yield from ((index, last) for index in sorted(remaining))


def _by_seeking(
    container: "InputContainer",
    stream: "VideoStream",
    info: VideoInfo,
    times: npt.NDArray[np.int64],
    wanted: list[int],
    *,
    conceal: bool,
) -> "Iterator[tuple[int, VideoFrame]]":
    chain: _Chain | None = None
    back = 0
    for index in wanted:
        start = int(np.searchsorted(info.starts, index, side="right")) - 1
        attempts: list[tuple[int, int, int] | None] = []
        if chain is not None and (start < 0 or info.starts[start] <= chain.reached + 1):
            attempts.append(None)  # decoding on is the shortest way
        attempts += _places(info, times, start, back)
        for attempt in attempts:
            if attempt is not None:
                time, first, back = attempt
                container.seek(time, stream=stream, backward=True)
                frames = sound_frames(container, stream, conceal=conceal)
                chain = _Chain(frames, times, first, conceal=conceal)
            frame = None if chain is None else chain.advance(index)
            if frame is not None:
                yield index, frame
                break
        else:
            raise _MissingFrameError(index)


def _places(
    info: VideoInfo, times: npt.NDArray[np.int64], start: int, back: int
) -> list[tuple[int, int, int]]:
    """Where to seek to, the frame that decoding then starts with, and how many starts before."""
    places = []
    # Frames of an open group of H.264 name frames before it, which looks like damage until the next
    # start; once that was so, it is so in the whole file.
    for before in range(back, min(2, start + 1)):
        key = int(info.starts[start - before])
        # Containers differ in which of its two times a seek has to name.
        for time in (int(times[key]), int(info.seek_times[start - before])):
            places.append((time, key, before))
    return [*dict.fromkeys(places), (int(times[0]), 0, back)]


class _Chain:
    """Frames from a point that decoding can start from, as long as each one is sound.

    A frame is predicted from frames before it, so after one that is damaged or lost none is sound
    until decoding can start again.

    Args:
        frames: of the decoder, after a seek.
        times: of all frames of the video.
        start: index of the frame that decoding starts with.
        conceal: take frames that are not sound for sound.
    """

    def __init__(
        self,
        frames: "Iterator[VideoFrame | Damage]",
        times: npt.NDArray[np.int64],
        start: int,
        *,
        conceal: bool,
    ) -> None:
        self.frames, self.times, self.conceal = frames, times, conceal
        self.start_time = int(times[start])
        self.reached = start - 1
        self.sound = True
        self.damaged_at = self.start_time - 1

    def advance(self, index: int) -> "VideoFrame | None":
        """Give the frame of an index, or None where it is not sound or does not come out."""
        target = int(self.times[index])
        last = None
        for frame in self.frames:
            if isinstance(frame, Damage):
                self._damage(frame.time)
                continue
            # Frames before the start are shown before it and predicted from what was not read.
            if frame.pts is None or frame.pts < self.start_time:
                continue
            self._follow(frame, frame.pts)
            if frame.pts >= target:
                good = frame.pts == target and (self.sound or self.conceal)
                return frame if good else last
            last = frame if self.conceal else None
        return last

    def _follow(self, frame: "VideoFrame", time: int) -> None:
        """Find out whether a frame is sound, after those before it."""
        expected = self.reached + 1
        if frame.is_corrupt:
            self._damage(time)
        elif frame.key_frame and frame.pict_type == _INTRA and time > self.damaged_at:
            self.sound = True
        elif expected < len(self.times) and time != self.times[expected]:
            self._damage(time)
        self.reached = int(np.searchsorted(self.times, time, side="right")) - 1

    def _damage(self, time: int | None) -> None:
        """Note damage; None stands for somewhere."""
        if time is not None and time < self.start_time:
            return
        self.sound = False
        self.damaged_at = max(self.damaged_at, self.times[-1] if time is None else time)


def _resized(frame: "VideoFrame", short_side: int | None) -> tuple[int, int]:
    """Width and height whose shorter one is `short_side`."""
    if short_side is None:
        return frame.width, frame.height
    scale = short_side / min(frame.width, frame.height)
    return max(short_side, round(frame.width * scale)), max(short_side, round(frame.height * scale))


def _to_rgb(
    frame: "VideoFrame", shape: tuple[int, int], reformatter: "VideoReformatter"
) -> npt.NDArray[np.uint8]:
    """RGB image (H, W, 3), resized and turned upright.

    swscale resizes and converts in one pass, several times faster than an antialiased torch
    resize of the full RGB image; its bilinear filter widens when it shrinks, so it is antialiased.
    One reformatter serves all frames, since building its tables costs more than a small frame.
    """
    from av.video.reformatter import Interpolation

    width, height = shape
    image = reformatter.reformat(
        frame, width, height, "rgb24", interpolation=Interpolation.BILINEAR
    ).to_ndarray()
    return np.rot90(image, k=round(frame.rotation / 90)).astype(np.uint8, copy=False)
