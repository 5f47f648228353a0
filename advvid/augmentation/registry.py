"""All augmentations by name."""

from advvid.augmentation.augmentation import Augmentation
from advvid.augmentation.colors import PermuteColors
from advvid.augmentation.crop import Crop
from advvid.augmentation.flip import Flip
from advvid.augmentation.roll import Roll
from advvid.methods import Registry

AUGMENTATIONS: Registry[type[Augmentation]] = Registry(
    "augmentation",
    {"crop": Crop, "flip": Flip, "roll": Roll, "permute-colors": PermuteColors},
)
