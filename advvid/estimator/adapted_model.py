"""A caller's model behind the layout, normalization and precision of a classifier."""

from collections.abc import Sequence
from typing import Any, get_args

import torch
from torch import Tensor, nn

from advvid.errors import InputError, shown
from advvid.inference.averaged import log_mean_probability
from advvid.inference.devices import Precision
from advvid.inference.frozen import logits_of
from advvid.inference.layouts import check_layout, from_layout
from advvid.inference.normalization import read_per_channel

LAYOUTS = ("NCTHW", "NTHWC")
"""Those of arrays that ART knows: channels first, or last."""


class AdaptedModel(nn.Module):
    """A model behind the layout, normalization and precision that a classifier was given.

    Args:
        inner: clips (B, C, T, H, W) -> logits (B, K).
        layout: of the clips that `forward` takes.
        precision: "float32" or "bf16" (autocast).
        mean: per channel, or None.
        std: per channel, or None.
        num_classes: K.
        single: whether the model may have one output (B, 1) in place of two logits.

    Raises:
        InputError: for an unknown layout or precision, or a std that is not above 0.
    """

    def __init__(
        self,
        inner: nn.Module,
        *,
        layout: str,
        precision: str,
        mean: float | Sequence[float] | None,
        std: float | Sequence[float] | None,
        num_classes: int,
        single: bool = False,
    ) -> None:
        super().__init__()
        check_layout(layout, LAYOUTS)
        precisions = get_args(Precision)
        if precision not in precisions:
            raise InputError(
                f"precision must be one of {', '.join(precisions)}; got {shown(precision)}"
            )
        self.inner = inner
        self.layout = layout
        self.precision = precision
        self.num_classes, self.single = num_classes, single
        # Passes that a prediction is averaged over; see `VideoClassifier.averaging`.
        self.draws = 1
        self.normalizes = mean is not None or std is not None
        for name, given, default in (("mean", mean, 0.0), ("std", std, 1.0)):
            numbers = read_per_channel(name, default if given is None else given)
            self.register_buffer(name, torch.tensor(numbers).view(1, 3, 1, 1, 1), persistent=False)

    @property
    def changes_nothing(self) -> bool:
        """Whether `inner` alone does the same."""
        plain = self.layout == "NCTHW" and self.precision == "float32" and self.draws == 1
        return plain and not self.normalizes

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits (B, K), float32, of clips in the layout."""
        clips = from_layout(x, self.layout) if x.ndim == 5 else x
        if self.draws > 1 and self.single:
            raise InputError("averaging over passes needs a logit for each class: give it two")
        if self.draws > 1:
            return log_mean_probability([self._once(clips) for _ in range(self.draws)])
        return self._once(clips)

    def _once(self, clips: Tensor) -> Tensor:
        if self.normalizes:
            clips = (clips - self.get_buffer("mean")) / self.get_buffer("std")
        if self.precision == "float32":
            logits: Any = self.inner(clips)
        else:
            with torch.autocast(clips.device.type, dtype=torch.bfloat16):
                logits = self.inner(clips)
        logits = logits_of(logits)
        widths = (self.num_classes, 1) if self.single else (self.num_classes,)
        if not isinstance(logits, Tensor) or logits.ndim != 2 or logits.shape[1] not in widths:
            raise InputError(
                f"the model must give logits (B, {self.num_classes}); got {_describe(logits)}: "
                "pass the right nb_classes, or wrap it in a module that gives logits"
            )
        if not logits.is_floating_point():
            raise InputError(
                f"the model must give floating-point logits; got {logits.dtype}: leave out what "
                "turns its scores into decisions"
            )
        return logits.float()


def _describe(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
