"""ART's (mean, std) preprocessing along the channel axis of clips."""

from typing import Any

import torch
from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from torch import Tensor


class ChannelStandardization(PreprocessorPyTorch):
    """(x - mean) / std along the channels, in the layout of the classifier.

    ART's own version broadcasts along the batch when a clip has as many frames as channels.

    Args:
        mean: a number, or one per channel.
        std: a number, or one per channel.
        layout: "NCTHW" or "NTHWC".
    """

    def __init__(self, mean: Any, std: Any, *, layout: str) -> None:
        super().__init__(is_fitted=True, apply_fit=True, apply_predict=True)
        self.mean = torch.as_tensor(mean, dtype=torch.float32).flatten()
        self.std = torch.as_tensor(std, dtype=torch.float32).flatten()
        self.shape = (-1, 1, 1, 1) if layout == "NCTHW" else (1, 1, 1, -1)

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Standardize clips; labels pass through."""
        mean, std = self.mean.to(x).view(self.shape), self.std.to(x).view(self.shape)
        return (x - mean) / std, y
