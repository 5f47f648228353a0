"""One line of the registry of data sets."""

from collections.abc import Callable
from dataclasses import dataclass

from advvid.data.clip_dataset import ClipDataset
from advvid.data.options import DatasetOptions
from advvid.errors import InputError
from advvid.methods import settings_of

EVERY_DATASET = ("split", "frames", "size", "augment", "on_bad_video", "seed")
"""Options that every data set takes."""
VIDEOS = (
    *EVERY_DATASET,
    "sampling",
    "stride",
    "clips_per_video",
    "short_side",
    "flip",
    "decoder",
)
"""Options that every `VideoDataset` takes."""


@dataclass(frozen=True)
class DatasetEntry:
    """A data set that `load_dataset` can build.

    Args:
        builder: takes what follows "name:" in the spec ("" for nothing) and the options.
        spec: how the spec is written.
        summary: what it is, in one line.
        takes: names of the options that mean something for it.
    """

    builder: Callable[[str, DatasetOptions], ClipDataset]
    spec: str
    summary: str
    takes: tuple[str, ...]

    def build(self, argument: str, options: DatasetOptions) -> ClipDataset:
        """Build the data set; no video is opened.

        Raises:
            InputError: when an option that is not the default means nothing here, or is wrong.
        """
        for name, setting in settings_of(DatasetOptions).items():
            value = getattr(options, name)
            if name not in self.takes and value != setting.default:
                raise InputError(f"{name} {value} means nothing for {self.spec}: leave it out")
        return self.builder(argument, options)
