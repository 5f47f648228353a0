"""The module that every spec becomes: clips in [0, 1] in, logits out."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from advvid.errors import InputError
from advvid.methods.arguments import checked

ClipCall = Callable[[nn.Module, Tensor], Tensor]
"""(backbone, normalized clips (B, 3, T, H, W)) -> logits (B, K): where layouts are translated."""

_AXES = ("channels", "frames", "rows", "columns")


def call_on_clips(backbone: nn.Module, clips: Tensor) -> Tensor:
    """Call a backbone that takes clips (B, 3, T, H, W) as they are."""
    logits: Tensor = backbone(clips)
    return logits


@checked
class VideoModel(nn.Module):
    """A backbone with its normalization and layout; clips in [0, 1] go in, logits come out.

    Args:
        backbone: the network; parameter names in weight files are its own.
        spec: what `load_model` was given.
        num_classes: K, or None where it is unknown.
        input_shape: (3, T, H, W) that it is meant for, None for any.
        classes: their names in order, where they are known.
        mean: per channel (3,), subtracted from pixels in [0, 1].
        std: per channel (3,), divided by.
        call: runs the backbone on normalized clips.
        head: path inside the backbone of the layer that gives the logits.
        fixed: axes of `input_shape` (1 T, 2 H, 3 W) that cannot differ.
        weights: where they came from, None for a fresh initialization.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        *,
        spec: str,
        num_classes: int | None = None,
        input_shape: tuple[int, int, int, int] | None = None,
        classes: tuple[str, ...] | None = None,
        mean: tuple[float, ...] = (0.0, 0.0, 0.0),
        std: tuple[float, ...] = (1.0, 1.0, 1.0),
        call: ClipCall = call_on_clips,
        head: str | None = None,
        fixed: tuple[int, ...] = (),
        weights: str | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.spec, self.num_classes, self.input_shape = spec, num_classes, input_shape
        self.classes, self.head, self.fixed, self.weights = classes, head, fixed, weights
        self._call = call
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1, 1), persistent=False)
        self.register_buffer("std", torch.ones(1, 3, 1, 1, 1), persistent=False)
        self.set_normalization(mean, std)

    def set_normalization(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Replace mean and std, each (3,), of pixels in [0, 1]."""
        self.mean.copy_(torch.tensor(mean).reshape(1, 3, 1, 1, 1))
        self.std.copy_(torch.tensor(std).reshape(1, 3, 1, 1, 1))

    def forward(self, clips: Tensor) -> Tensor:
        """Give the logits (B, K) of clips (B, 3, T, H, W) in [0, 1].

        Raises:
            InputError: for clips of a shape that the model cannot take.
        """
        self._check(clips)
        return self._call(self.backbone, (clips - self.mean) / self.std)

    def extra_repr(self) -> str:
        """Show what printing the backbone does not."""
        return f"spec={self.spec!r}, num_classes={self.num_classes}, input_shape={self.input_shape}"

    def _check(self, clips: Tensor) -> None:
        shape = tuple(clips.shape)
        if len(shape) != 5 or shape[1] != 3:
            raise InputError(
                f"{self.spec} takes clips (B, 3, T, H, W) in [0, 1]; got {shape}: permute the axes"
            )
        for axis in self.fixed:
            if self.input_shape is not None and shape[axis + 1] != self.input_shape[axis]:
                raise InputError(
                    f"{self.spec} is built for {self.input_shape[axis]} {_AXES[axis]}; got clips "
                    f"{shape}: pass {'frames' if axis == 1 else 'size'}= to load_model"
                )
