"""What `load_dataset` was asked for, checked once, and the data set that is built from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from advvid.augmentation import Augment, read_chain
from advvid.data.clip_dataset import ClipDataset, OnBadVideo, check_clip_size
from advvid.data.decoder import DECODERS, Decoder
from advvid.data.sampling import Sampler, read_sampler
from advvid.errors import InputError
from advvid.methods import Setting, check_settings, settings_of

Split = Literal["train", "val", "test", "all"]


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """The options of `load_dataset`; None means the default of the data set.

    Videos are augmented by a random crop and a mirror, motions by `roll` and `permute-colors`.
    """

    split: Annotated[Split, Setting("part of the data; val is test where videos have no val")] = (
        "test"
    )
    fold: Annotated[
        int | None, Setting("which part is held out: a group of ucf11 (3), a list of ucf101 (1)")
    ] = None
    frames: Annotated[
        int | None,
        Setting("frames of a clip; 8 for motions, 16 for videos", at_least=1, at_most=100_000),
    ] = None
    size: Annotated[
        int | None,
        Setting(
            "height and width; 32 for motions, 112 for videos",
            "pixels",
            at_least=1,
            at_most=16_384,
        ),
    ] = None
    sampling: Annotated[
        str | Sampler, Setting("uniform, a frame of each of equal segments, or dense, at a stride")
    ] = "uniform"
    stride: Annotated[
        int | None, Setting("of dense sampling; 1", "frames", at_least=1, at_most=1_000_000)
    ] = None
    clips_per_video: Annotated[
        int, Setting("evenly spread over each video", at_least=1, at_most=100_000)
    ] = 1
    short_side: Annotated[
        int | None,
        Setting("of frames before cropping; 8/7 of the size", "pixels", at_least=1, at_most=20_000),
    ] = None
    flip: Annotated[bool, Setting("mirror half of the training views of videos")] = True
    augment: Annotated[
        Augment | None,
        Setting("augmentations of the training view, in place of those of the data set"),
    ] = None
    decoder: Annotated[str | Decoder | None, Setting("what reads frames; pyav for files")] = None
    on_bad_video: Annotated[
        OnBadVideo,
        Setting("stop at a damaged video, or leave it out and list it, or use and list it"),
    ] = "raise"
    seed: Annotated[
        int, Setting("of the generated clips of motions, and of all training views", at_least=0)
    ] = 0

    def __post_init__(self) -> None:
        """Check the settings, and those that texts hold."""
        check_settings(self)
        check_clip_size(self.frames or 1, max(self.size or 1, self.short_side or 1))
        # Wrong texts are refused before a folder is searched.
        read_sampler(self.sampling, self.stride)
        read_chain(self.augment or (), size=1)
        if self.decoder is not None:
            DECODERS.read(self.decoder)
        if not self.flip and self.augment is not None:
            raise InputError("flip=False is for the default augmentation: leave it out of augment")


@dataclass(frozen=True)
class DatasetEntry:
    """A data set that `load_dataset` can build: one line of the registry.

    Args:
        builder: takes what follows "name:" in the spec ("" for nothing) and the options.
        spec: how the spec is written.
        summary: what it is, in one line.
        unused: names of the options that mean nothing for it.
    """

    builder: Callable[[str, DatasetOptions], ClipDataset]
    spec: str
    summary: str
    unused: tuple[str, ...] = ("fold",)

    def build(self, argument: str, options: DatasetOptions) -> ClipDataset:
        """Build the data set; no video is opened.

        Raises:
            InputError: when an option that is not the default means nothing here, or is wrong.
        """
        for name in self.unused:
            value = getattr(options, name)
            if value != settings_of(DatasetOptions)[name].default:
                raise InputError(f"{name} {value} means nothing for {self.spec}: leave it out")
        return self.builder(argument, options)
