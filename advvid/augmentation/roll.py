"""Frames moved around the torus that they are."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from advvid.augmentation.augmentation import Augmentation


@dataclass(frozen=True)
class Roll(Augmentation):
    """Move all frames by the same random step; what leaves on one side returns on the other."""

    def __call__(self, clip: Tensor, rng: np.random.Generator) -> Tensor:
        """Give the moved clip."""
        down, right = rng.integers(clip.shape[-2:]).tolist()
        return torch.roll(clip, (down, right), dims=(-2, -1))
