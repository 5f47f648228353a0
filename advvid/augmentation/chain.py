"""Several augmentations, one after the other."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from advvid.augmentation.augmentation import Augmentation
from advvid.augmentation.crop import center_crop
from advvid.augmentation.registry import AUGMENTATIONS
from advvid.errors import InputError
from advvid.methods.build import build

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


def view(
    clip: Tensor,
    chain: Sequence[Augmentation],
    rng: np.random.Generator | None,
    shape: tuple[int, int, int, int],
) -> Tensor:
    """Make the training view of a clip, or its evaluation view, in which nothing is random.

    Args:
        clip: uint8 (3, T, H', W').
        chain: applied in order, and drawing from `rng` in that order, for the training view.
        rng: of this view; None for the evaluation view.
        shape: (3, T, H, W) that is wanted; what is larger is cropped from its center.

    Raises:
        InputError: when the augmentations leave something else.
    """
    if rng is not None:
        for augmentation in chain:
            clip = augmentation(clip, rng)
    if clip.shape[-2:] != shape[-2:]:
        clip = center_crop(clip, shape[-1])
    if clip.shape != shape or clip.dtype != torch.uint8:
        raise InputError(
            f"a clip must be uint8 {shape} after sampling, decoding and augmentation; "
            f"got {clip.dtype} {tuple(clip.shape)}"
        )
    return clip.contiguous()
