"""Random changes of training clips, each an `Augmentation`; data sets apply a chain of them."""

from advvid.augmentation.augmentation import Augmentation
from advvid.augmentation.chain import Augment, read_chain, view
from advvid.augmentation.colors import PermuteColors
from advvid.augmentation.crop import Crop, center_crop
from advvid.augmentation.flip import Flip
from advvid.augmentation.registry import AUGMENTATIONS
from advvid.augmentation.roll import Roll

__all__ = [
    "AUGMENTATIONS",
    "Augment",
    "Augmentation",
    "Crop",
    "Flip",
    "PermuteColors",
    "Roll",
    "center_crop",
    "read_chain",
    "view",
]
