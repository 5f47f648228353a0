"""Random changes of training clips, each an `Augmentation`; data sets apply a chain of them."""

from advvid.augmentation.augmentation import Augmentation, augmented
from advvid.augmentation.colors import PermuteColors
from advvid.augmentation.crop import Crop, center_crop
from advvid.augmentation.flip import Flip
from advvid.augmentation.registry import AUGMENTATIONS, read_chain
from advvid.augmentation.roll import Roll

__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
    "Crop",
    "Flip",
    "PermuteColors",
    "Roll",
    "augmented",
    "center_crop",
    "read_chain",
]
