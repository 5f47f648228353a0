"""Reading chosen frames of a video file: seek, decode, convert to RGB, resize."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.data.video.index import VideoInfo, open_video, video_info
from advvid.errors import InputError
from advvid.methods.arguments import checked

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream


@checked
def read_frames(
    path: str | os.PathLike[str], indices: Sequence[int], *, short_side: int | None = None
) -> Tensor:
    """Decode the frames at `indices`, and as little else as seeking allows.

    Frames are counted as presented, from 0. The result is the same as decoding the whole file
    and picking. Display rotation is applied; pixels count as square.

    Args:
        path: a video file.
        indices: frames wanted, in any order, repeats allowed, each below `video_info(path).frames`.
        short_side: length in pixels that the shorter side is resized to; None for the file's own.

    Returns:
        uint8 (3, T, H, W), RGB.

    Raises:
        InputError: an index is out of range.
        BadVideoError: the file is no video, is damaged, or ends before a wanted frame.
    """
    from av.video.reformatter import VideoReformatter

    name, info = str(path), video_info(path)
    wanted = sorted({int(index) for index in indices})
    if not wanted or wanted[0] < 0 or wanted[-1] >= info.frames:
        raise InputError(
            f"{name} has frames 0 to {info.frames - 1}; got {wanted or 'no index'}: choose of those"
        )
    if wanted[-1] >= info.present:
        reason = (
            f"frame {wanted[-1]} of {info.frames} is missing: "
            f"the file was cut short after {info.present} frames"
        )
        raise BadVideoError(BadVideo(name, reason))
    reformatter = VideoReformatter()
    images: dict[int, npt.NDArray[np.uint8]] = {}
    shape: tuple[int, int] | None = None
    for index, frame in _decode(name, info, wanted):
        shape = shape or _resized(frame, short_side)
        images[index] = _to_rgb(frame, shape, reformatter)
    clip = np.stack([images[int(index)] for index in indices])
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
    for _, frame in _decode(str(path), info, list(range(info.present))):
        yield _to_rgb(frame, (frame.width, frame.height), reformatter)


def _decode(path: str, info: VideoInfo, wanted: list[int]) -> "Iterator[tuple[int, VideoFrame]]":
    """Yield the wanted frames, ascending."""
    import av

    container, stream = open_video(path)
    with container:
        # Clips are decoded side by side in worker processes; threads inside each would only add
        # latency after every seek.
        stream.thread_count = 1
        try:
            if info.times is None:
                yield from _by_counting(container, stream, wanted)
            else:
                yield from _by_seeking(container, stream, info, info.times, wanted)
        except av.FFmpegError as error:
            reason = f"decoding fails ({error.strerror or error})"
            raise BadVideoError(BadVideo(path, reason)) from error
        except _MissingFrameError as error:
            reason = f"frame {error} of {info.frames} cannot be decoded: the file is damaged"
            raise BadVideoError(BadVideo(path, reason)) from error


class _MissingFrameError(Exception):
    """The frame of this index does not come out of the decoder."""


def _by_counting(
    container: "InputContainer", stream: "VideoStream", wanted: list[int]
) -> "Iterator[tuple[int, VideoFrame]]":
    remaining = set(wanted)
    for index, frame in enumerate(container.decode(stream)):
        if index in remaining:
            yield index, frame
            remaining.remove(index)
        if not remaining:
            return
    raise _MissingFrameError(min(remaining))


def _by_seeking(
    container: "InputContainer",
    stream: "VideoStream",
    info: VideoInfo,
    times: npt.NDArray[np.int64],
    wanted: list[int],
) -> "Iterator[tuple[int, VideoFrame]]":
    frames = iter(container.decode(stream))
    reached = -1  # index of the last frame that came out
    for index in wanted:
        target = int(times[index])
        start = int(np.searchsorted(info.starts, index, side="right")) - 1
        attempts: list[int | None] = [int(times[0])]
        if start >= 0:
            key = int(info.starts[start])
            # Containers differ in which of its two times a seek has to name.
            attempts = [int(times[key]), int(info.seek_times[start]), *attempts]
        if start < 0 or info.starts[start] <= reached + 1:
            attempts.insert(0, None)  # decoding on is the shortest way
        for attempt in attempts:
            if attempt is not None:
                container.seek(attempt, stream=stream, backward=True)
                frames = iter(container.decode(stream))
            frame = _advance(frames, target)
            if frame is not None:
                yield index, frame
                reached = index
                break
        else:
            raise _MissingFrameError(index)


def _advance(frames: "Iterator[VideoFrame]", target: int) -> "VideoFrame | None":
    """The intact frame of time `target`, or None where the decoder jumps over it."""
    for frame in frames:
        if frame.pts is not None and frame.pts >= target:
            return frame if frame.pts == target and not frame.is_corrupt else None
    return None


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
