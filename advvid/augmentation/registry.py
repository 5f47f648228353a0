"""All augmentations by name, and chains of them from texts."""

from collections.abc import Sequence

from advvid.augmentation.augmentation import Augmentation
from advvid.augmentation.colors import PermuteColors
from advvid.augmentation.crop import Crop
from advvid.augmentation.flip import Flip
from advvid.augmentation.roll import Roll
from advvid.methods import Registry
from advvid.methods.build import build

AUGMENTATIONS: Registry[type[Augmentation]] = Registry(
    "augmentation",
    {"crop": Crop, "flip": Flip, "roll": Roll, "permute-colors": PermuteColors},
)

Augment = str | Augmentation | Sequence[str | Augmentation]
"""One augmentation or several, as texts or objects."""


def read_chain(given: Augment, *, size: int) -> tuple[Augmentation, ...]:
    """Give the augmentations that texts and objects name, in order.

    Args:
        given: one or several; texts are "name:key=value,..." or "package.module:Class:...".
        size: H = W of the clips in pixels, for augmentations that have a setting of this name.

    Raises:
        InputError: for an unknown name or a wrong setting.
    """
    chain = [given] if isinstance(given, str | Augmentation) else given
    return tuple(
        build(one, AUGMENTATIONS, Augmentation, size=size)  # type: ignore[type-abstract]
        for one in chain
    )
