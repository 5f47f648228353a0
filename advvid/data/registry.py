"""All data sets by name."""

from advvid.data.entry import DatasetEntry
from advvid.data.motions.dataset import MOTIONS
from advvid.data.readers.folder import FOLDER, SINGLE_VIDEO
from advvid.data.readers.ucf11 import UCF11
from advvid.data.readers.ucf101 import UCF101
from advvid.methods import Registry

DATASETS: Registry[DatasetEntry] = Registry(
    "data set", {"motions": MOTIONS, "folder": FOLDER, "ucf11": UCF11, "ucf101": UCF101}
)


def list_datasets() -> list[DatasetEntry]:
    """Every data set that `load_dataset` can build."""
    return [*DATASETS.values(), SINGLE_VIDEO]
