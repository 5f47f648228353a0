"""What is known of a video that could not be read."""

from typing import NamedTuple

from advvid.errors import InputError
from advvid.escaping import visible

_CONCEALED = "used with damage concealed: "


class BadVideo(NamedTuple):
    """A video that could not be read as it was recorded, and why."""

    path: str
    reason: str

    @property
    def concealed(self) -> "BadVideo":
        """The same video, of which a clip was taken all the same."""
        return self if self.used else self._replace(reason=_CONCEALED + self.reason)

    @property
    def used(self) -> bool:
        """Whether a clip was taken of it all the same."""
        return self.reason.startswith(_CONCEALED)

    @property
    def line(self) -> str:
        """What to tell a reader of results."""
        return f"{'' if self.used else 'skipped '}{self.path}: {self.reason}"


class BadVideoError(InputError):
    """A video cannot be decoded; `bad_video` names the file and the reason."""

    def __init__(self, bad_video: BadVideo) -> None:
        bad_video = bad_video._replace(path=visible(bad_video.path))
        super().__init__(
            f"cannot read video {bad_video.path}: {bad_video.reason}; "
            "repair or remove the file, leave it out (`on_bad_video=skip`), or use what is left of "
            "it (`on_bad_video=conceal`)"
        )
        self.bad_video = bad_video

    def __reduce__(self) -> tuple[type["BadVideoError"], tuple[BadVideo]]:
        return type(self), (self.bad_video,)
