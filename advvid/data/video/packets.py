"""From the packets of a video file to frames, with word of what is damaged."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from advvid.data.video.bad_video import BadVideo, BadVideoError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_STRICT = {"err_detect": "crccheck+bitstream+buffer+explode"}
"""FFmpeg's checks of checksums, syntax and lengths. A packet that fails is an error at once, before
frames that are predicted from it come out, instead of a frame that was made up."""


class Damage(NamedTuple):
    """Between two frames: from here on, frames may be predicted from one that is not there."""

    time: int | None
    """Time of presentation of the packet, where it is known."""


def open_video(path: str) -> "tuple[InputContainer, VideoStream]":
    """Open a file with its first video stream; the caller closes the container.

    Raises:
        BadVideoError: the file is no video, or nothing can decode it.
    """
    import av

    try:
        # Absolute, since FFmpeg takes the text before a colon for a protocol.
        container = av.open(str(Path(path).absolute()), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadVideoError(BadVideo(path, f"not a readable video ({reason})")) from error
    if not container.streams.video:
        container.close()
        raise BadVideoError(BadVideo(path, "no video stream in it"))
    stream = container.streams.video[0]
    if stream.codec_context is None:
        container.close()
        raise BadVideoError(BadVideo(path, "no decoder for its codec"))
    return container, stream


def sound_frames(
    container: "InputContainer", stream: "VideoStream", *, conceal: bool
) -> "Iterator[VideoFrame | Damage]":
    """Decode from where the container stands, to its end.

    Args:
        container: open.
        stream: of the container; not decoded before, or in the same way.
        conceal: leave damaged packets to FFmpeg, which fills frames from their neighbors.
    """
    import av

    codec = stream.codec_context
    if not codec.is_open:
        codec.options = {} if conceal else dict(_STRICT)
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError:
            # The file ends in the middle: what was read before is whole.
            yield from codec.decode(None)
            yield Damage(None)
            return
        if packet.is_corrupt and not conceal:
            # Cut off; what was read before is whole.
            yield from codec.decode(None)
            codec.flush_buffers()
            yield Damage(packet.pts)
            continue
        yield from _decoded(packet, conceal)


def _decoded(packet: "Packet[VideoStream]", conceal: bool) -> "Iterator[VideoFrame | Damage]":
    import av

    try:
        yield from packet.decode()
    except av.FFmpegError:
        if not conceal:
            yield Damage(packet.pts)
