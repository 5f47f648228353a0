"""How the frames of a video get into memory, whatever it is stored as."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from advvid.data.video.decoding import read_frames
from advvid.data.video.index import video_info
from advvid.methods import MethodRegistry


@dataclass(frozen=True)
class Decoder(ABC):
    """Reads chosen frames of a video; a subclass is a frozen dataclass of settings.

    A path is what the reader of the data set gives: a file, a folder of images, ... Both methods
    raise a `BadVideoError` where the video cannot be read.
    """

    @abstractmethod
    def count(self, path: str) -> int:
        """Number of frames of a video, without decoding them."""

    @abstractmethod
    def read(self, path: str, indices: Sequence[int], *, short_side: int) -> Tensor:
        """Read frames.

        Args:
            path: of the video.
            indices: frames wanted, in any order, repeats allowed.
            short_side: length in pixels that the shorter side is resized to.

        Returns:
            uint8 (3, T, H, W), RGB.
        """

    def conceal(self, path: str, indices: Sequence[int], *, short_side: int) -> Tensor | None:
        """Read frames of a damaged video as well as it goes; None where this decoder cannot."""
        del path, indices, short_side
        return None


@dataclass(frozen=True)
class VideoFile(Decoder):
    """Video files, through PyAV."""

    def count(self, path: str) -> int:
        """Number of frames, from the index of the file."""
        return video_info(path).frames

    def read(self, path: str, indices: Sequence[int], *, short_side: int) -> Tensor:
        """Seek and decode, see `read_frames`."""
        return read_frames(path, indices, short_side=short_side)

    def conceal(self, path: str, indices: Sequence[int], *, short_side: int) -> Tensor:
        """Take what FFmpeg makes of damaged parts."""
        return read_frames(path, indices, short_side=short_side, conceal=True)


DECODERS: MethodRegistry[Decoder] = MethodRegistry("decoder", Decoder, {"pyav": VideoFile})
