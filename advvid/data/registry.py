"""All data sets by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from advvid.data.clip_dataset import ClipDataset
from advvid.data.motions.dataset import build_motions
from advvid.data.options import DatasetOptions
from advvid.data.readers.folder import build_folder
from advvid.data.readers.ucf11 import build_ucf11
from advvid.data.readers.ucf101 import build_ucf101


@dataclass(frozen=True)
class DatasetEntry:
    """One line of the registry."""

    build: Callable[[str, DatasetOptions], ClipDataset]
    """Takes what follows "name:" in the spec ("" for nothing) and the options."""
    spec: str
    """How the spec is written."""
    summary: str


DATASETS: dict[str, DatasetEntry] = {
    "motions": DatasetEntry(
        build_motions,
        "motions[:N]",
        "bundled: 10 motions of generated shapes; N training clips (5000)",
    ),
    "folder": DatasetEntry(
        build_folder, "folder:DIR", "your videos, one folder a class, or train/ and test/ of those"
    ),
    "ucf11": DatasetEntry(
        build_ucf11, "ucf11:DIR", "UCF11 (YouTube Action); fold = the group held out (3)"
    ),
    "ucf101": DatasetEntry(
        build_ucf101, "ucf101:DIR", "UCF101 with its split files; fold 1 (default), 2 or 3"
    ),
}


class DatasetRow(NamedTuple):
    """What `advvid datasets` shows of a data set."""

    spec: str
    summary: str


def list_datasets() -> list[DatasetRow]:
    """Every data set that `load_dataset` can build."""
    rows = [DatasetRow(entry.spec, entry.summary) for entry in DATASETS.values()]
    return [*rows, DatasetRow("FILE", "one video file, without a label")]
