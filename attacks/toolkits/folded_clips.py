"""Clips as images, for attacks that know nothing of time."""

from typing import Literal

import torch
from torch import Tensor, nn

from advvid.inference.frozen import Model

Fold = Literal["clips", "channels", "height", "NTHWC"]
"""How clips (B, C, T, H, W) are shown: as they are; as (B, C T, H, W), every frame a channel more;
as (B, C, T H, W), the frames one below the other; as (B, T, H, W, C)."""


def fold_time(clips: Tensor, fold: Fold) -> Tensor:
    """Show clips in the form that an attack knows.

    Args:
        clips: (B, C, T, H, W).
        fold: see `Fold`.

    Returns:
        The same pixels, in the shape of the fold.
    """
    if fold == "clips":
        return clips
    if fold == "NTHWC":
        return clips.permute(0, 2, 3, 4, 1)
    batch, channels, frames, height, width = clips.shape
    if fold == "channels":
        return clips.reshape(batch, channels * frames, height, width)
    return clips.reshape(batch, channels, frames * height, width)


def unfold_time(images: Tensor, fold: Fold, *, channels: int, frames: int) -> Tensor:
    """Undo `fold_time`.

    Args:
        images: what `fold_time` gave, or images of another size of the same number of frames.
        fold: see `Fold`.
        channels: C.
        frames: T.

    Returns:
        Clips (B, C, T, H, W).
    """
    if fold == "clips":
        return images
    if fold == "NTHWC":
        return images.permute(0, 4, 1, 2, 3)
    height = images.shape[2] // (frames if fold == "height" else 1)
    return images.reshape(len(images), channels, frames, height, images.shape[-1])


class FoldedModel(nn.Module):
    """A model of clips that takes folded ones.

    Args:
        model: clips (B, C, T, H, W) -> logits (B, K).
        fold: see `Fold`.
        like: clips of the shape and on the device that will come.
        probabilities: give softmax(logits) instead of logits.
    """

    def __init__(
        self, model: Model, fold: Fold, like: Tensor, *, probabilities: bool = False
    ) -> None:
        super().__init__()
        # Toolkits ask the first parameter for the device; a model may have none.
        self.place = nn.Parameter(torch.empty(0, device=like.device), requires_grad=False)
        self.model = model
        self.fold = fold
        self.channels, self.frames = like.shape[1:3]
        self.probabilities = probabilities

    def forward(self, images: Tensor) -> Tensor:
        """Give the logits, or the probabilities, (B, K)."""
        clips = unfold_time(images, self.fold, channels=self.channels, frames=self.frames)
        logits = self.model(clips)
        return logits.softmax(dim=1) if self.probabilities else logits
