"""What `load_dataset` was asked for, checked once, handed to the builder of the data set."""

from dataclasses import dataclass
from typing import Literal

from advvid.data.clip_dataset import OnBadVideo
from advvid.errors import InputError

Split = Literal["train", "val", "test", "all"]
Sampling = Literal["uniform", "dense"]


@dataclass(frozen=True)
class DatasetOptions:
    """The options of `load_dataset`, whose docstring explains them; None means the default."""

    split: Split = "test"
    fold: int | None = None
    frames: int | None = None
    size: int | None = None
    sampling: Sampling = "uniform"
    stride: int | None = None
    clips_per_video: int = 1
    short_side: int | None = None
    flip: bool = True
    on_bad_video: OnBadVideo = "raise"
    seed: int = 0

    def __post_init__(self) -> None:
        for word, choice, choices in (
            ("split", self.split, ("train", "val", "test", "all")),
            ("sampling", self.sampling, ("uniform", "dense")),
            ("on_bad_video", self.on_bad_video, ("raise", "skip")),
        ):
            if choice not in choices:
                raise InputError(f"{word} must be one of {', '.join(choices)}; got {choice!r}")
        for word, value, least in (
            ("frames", self.frames, 1),
            ("size", self.size, 1),
            ("stride", self.stride, 1),
            ("clips_per_video", self.clips_per_video, 1),
            ("short_side", self.short_side, 1),
            ("seed", self.seed, 0),
        ):
            if value is not None and value < least:
                raise InputError(f"{word} must be at least {least}; got {value}")
        if self.stride is not None and self.sampling == "uniform":
            raise InputError(
                f"stride {self.stride} goes with dense sampling; uniform sampling spreads its "
                "frames over the whole video: set sampling='dense' or leave the stride out"
            )
