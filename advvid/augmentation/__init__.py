"""Random changes of training clips, each an `Augmentation`; data sets apply a chain of them."""

from advvid.augmentation.augmentation import Augmentation
from advvid.augmentation.bundled import Crop, Flip, PermuteColors, Roll, center_crop
from advvid.augmentation.registry import AUGMENTATIONS, Augment, read_chain, view

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
