"""The interface of every augmentation: a clip in, a changed clip out."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from advvid.methods import check_settings


@dataclass(frozen=True)
class Augmentation(ABC):
    """A random change of a training clip that leaves its label as it is.

    A subclass is a frozen dataclass whose fields are settings (`advvid.methods.Setting`). It works
    on one clip, in the process that loads it; evaluation never sees it. What mixes clips and their
    labels needs a whole batch: see `collate` of `advvid.data.clip_loader`.
    """

    def __post_init__(self) -> None:
        """Check the settings."""
        check_settings(self)

    @abstractmethod
    def __call__(self, clip: Tensor, rng: np.random.Generator) -> Tensor:
        """Change a clip.

        Args:
            clip: uint8 (3, T, H, W), RGB; it must not be changed in place.
            rng: the only source of chance; belongs to this view of this clip.

        Returns:
            uint8 (3, T, H', W').
        """
