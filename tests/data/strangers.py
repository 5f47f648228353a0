"""A decoder, a sampler and an augmentation as somebody else would write them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from advvid.augmentation import Augmentation
from advvid.data import Decoder, Sampler
from advvid.data.sampling import Indices, Rng
from advvid.methods import Setting


@dataclass(frozen=True)
class MadeUp(Decoder):
    """40 frames of noise, the same for every path; no codec rounds them."""

    def count(self, path: str) -> int:
        return 40

    def read(self, path: str, indices: Sequence[int], *, short_side: int) -> Tensor:
        shape = (3, 40, short_side, short_side * 4 // 3)
        video = np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)
        return torch.from_numpy(video[:, list(indices)])


@dataclass(frozen=True)
class First(Sampler):
    """The first frames, from some frame on."""

    start: Annotated[int, Setting("first frame", at_least=0)] = 0

    def __call__(self, count: int, frames: int, *, clip: int, clips: int, rng: Rng) -> Indices:
        return self.start + np.arange(frames, dtype=np.int64)


@dataclass(frozen=True)
class Darken(Augmentation):
    """Take some light away."""

    by: Annotated[int, Setting("how much", at_least=0, at_most=255)]

    def __call__(self, clip: Tensor, rng: np.random.Generator) -> Tensor:
        return clip - clip.clamp(max=self.by)
