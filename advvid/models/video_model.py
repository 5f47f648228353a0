"""The module that every spec becomes: clips in [0, 1] in, logits out."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from advvid.checks import check_count
from advvid.errors import InputError
from advvid.inference.frozen import logits_of
from advvid.inference.layouts import check_layout, to_layout
from advvid.inference.normalization import read_per_channel
from advvid.methods.arguments import checked

ClipCall = Callable[[nn.Module, Tensor], Tensor]
"""(backbone, normalized clips in the layout of the model) -> logits (B, K)."""

_AXES = ("channels", "frames", "rows", "columns")


def call_on_clips(backbone: nn.Module, clips: Tensor) -> Tensor:
    """Call a backbone that takes clips and gives logits, or an object that carries them."""
    logits: Tensor = logits_of(backbone(clips))
    return logits


@checked
class VideoModel(nn.Module):
    """A backbone with its normalization and layout; clips in [0, 1] go in, logits come out.

        VideoModel(my_network, mean=0.45, std=0.225, layout="NTCHW")

    Args:
        backbone: the network; parameter names in weight files are its own.
        spec: what `load_model` was given; the class of the backbone unless given.
        num_classes: K, or None where it is unknown.
        input_shape: (3, T, H, W) that it is meant for, None for any.
        classes: their names in order, where they are known.
        mean: one number or three, subtracted from pixels in [0, 1].
        std: one number or three, divided by.
        layout: of the clips that the backbone takes: "NCTHW", "NTCHW" or "NTHWC".
        call: runs the backbone on normalized clips in that layout.
        head: path inside the backbone of the layer that gives the logits.
        fixed: axes of `input_shape` (1 T, 2 H, 3 W) that cannot differ.
        weights: where they came from, None for a fresh initialization.

    Raises:
        InputError: for a mean, std or layout that cannot be used.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        *,
        spec: str | None = None,
        num_classes: int | None = None,
        input_shape: tuple[int, int, int, int] | None = None,
        classes: tuple[str, ...] | None = None,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
        layout: str = "NCTHW",
        call: ClipCall = call_on_clips,
        head: str | None = None,
        fixed: tuple[int, ...] = (),
        weights: str | None = None,
    ) -> None:
        super().__init__()
        if num_classes is not None:
            check_count("num_classes", num_classes)
        self.backbone = backbone
        self.spec = type(backbone).__name__ if spec is None else spec
        self.num_classes, self.input_shape = num_classes, input_shape
        self.classes, self.head, self.fixed, self.weights = classes, head, fixed, weights
        self.layout = check_layout(layout)
        self._call = call
        self._untrained: list[tuple[str, str, Tensor]] = []
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1, 1), persistent=False)
        self.register_buffer("std", torch.ones(1, 3, 1, 1, 1), persistent=False)
        self.set_normalization(mean, std)

    def set_normalization(
        self, mean: float | Sequence[float], std: float | Sequence[float]
    ) -> None:
        """Replace mean and std, each one number or three, of pixels in [0, 1].

        Raises:
            InputError: for other numbers, or a std that is not above 0.
        """
        read = read_per_channel("mean", mean), read_per_channel("std", std)
        for buffer, values in zip((self.mean, self.std), read, strict=True):
            buffer.copy_(torch.tensor(values).reshape(1, 3, 1, 1, 1))

    def note_untrained(self, message: str, *names: str) -> None:
        """Remember that parameters are random, for `warnings`; the first one tells.

        Args:
            message: what a reader of any result of the model must know.
            names: of parameters of the backbone; none stands for the whole of it.
        """
        parameters = dict(self.backbone.named_parameters())
        told_by = names or (f"{self.head}.weight", *reversed(parameters))
        name = next((name for name in told_by if name in parameters), None)
        if name is not None:
            self._untrained.append((message, name, parameters[name].detach().cpu().clone()))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of any result of this model must know: weights that are random.

        What is trained or loaded since is not random any more.
        """
        parameters = dict(self.backbone.named_parameters())
        return tuple(
            message
            for message, name, start in self._untrained
            if name in parameters and _same(parameters[name].detach().cpu(), start)
        )

    def forward(self, clips: Tensor) -> Tensor:
        """Give the logits (B, K) of clips (B, 3, T, H, W) in [0, 1].

        Raises:
            InputError: for clips of a shape that the model cannot take.
        """
        self._check(clips)
        return self.call_in(self.layout, clips)

    def call_in(self, layout: str, clips: Tensor) -> Tensor:
        """Do what `forward` does without any check, with a backbone that takes this layout."""
        normalized = (clips - self.mean) / self.std
        return self._call(self.backbone, to_layout(normalized, layout))

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


def _same(parameter: Tensor, start: Tensor) -> bool:
    """Whether a parameter is what it was, in whatever precision it is kept now."""
    return torch.equal(parameter, start.to(parameter.dtype))
