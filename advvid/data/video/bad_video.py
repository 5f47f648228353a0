"""What is known of a video that could not be read."""

from typing import NamedTuple

from advvid.errors import InputError


class BadVideo(NamedTuple):
    """A video that could not be read, and why."""

    path: str
    reason: str


class BadVideoError(InputError):
    """A video cannot be decoded; `bad_video` names the file and the reason."""

    def __init__(self, bad_video: BadVideo) -> None:
        super().__init__(
            f"cannot read video {bad_video.path}: {bad_video.reason}; "
            "repair or remove the file, or leave it out (on_bad_video='skip')"
        )
        self.bad_video = bad_video

    def __reduce__(self) -> tuple[type["BadVideoError"], tuple[BadVideo]]:
        return type(self), (self.bad_video,)
