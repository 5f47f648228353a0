"""Left becomes right."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from advvid.augmentation.augmentation import Augmentation
from advvid.methods import Setting


@dataclass(frozen=True)
class Flip(Augmentation):
    """Mirror a clip now and then; not for classes that tell left from right."""

    probability: Annotated[float, Setting("how often", at_least=0, at_most=1)] = 0.5

    def __call__(self, clip: Tensor, rng: np.random.Generator) -> Tensor:
        """Give the clip or its mirror image."""
        return torch.flip(clip, dims=[-1]) if rng.uniform() < self.probability else clip
