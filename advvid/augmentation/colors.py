"""Colors exchanged for one another."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from advvid.augmentation.augmentation import Augmentation


@dataclass(frozen=True)
class PermuteColors(Augmentation):
    """Put the color channels into a random order, the same in all frames."""

    def __call__(self, clip: Tensor, rng: np.random.Generator) -> Tensor:
        """Give the clip in other colors."""
        # Faster than indexing with the whole order.
        return torch.stack([clip[channel] for channel in rng.permutation(len(clip)).tolist()])
