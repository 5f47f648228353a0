"""A caller's model behind the layout, normalization and precision of a classifier."""

import math
from collections.abc import Sequence
from typing import Any, get_args

import torch
from torch import Tensor, nn

from advvid.errors import InputError, shown
from advvid.inference.devices import Precision

LAYOUTS: dict[str, tuple[int, ...]] = {"NCTHW": (0, 1, 2, 3, 4), "NTHWC": (0, 4, 1, 2, 3)}
"""Layout of the caller -> the permutation that brings it to (B, C, T, H, W)."""


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
        if layout not in LAYOUTS:
            raise InputError(f"layout must be one of {', '.join(LAYOUTS)}; got {layout!r}")
        precisions = get_args(Precision)
        if precision not in precisions:
            raise InputError(f"precision must be one of {', '.join(precisions)}; got {precision!r}")
        self.inner = inner
        self.layout = layout
        self.precision = precision
        self.num_classes, self.single = num_classes, single
        # Passes that a prediction is averaged over; see `VideoClassifier.averaging`.
        self.draws = 1
        self.normalizes = mean is not None or std is not None
        self.register_buffer("mean", _per_channel("mean", mean, 0.0), persistent=False)
        self.register_buffer("std", _per_channel("std", std, 1.0), persistent=False)
        if not bool((self.get_buffer("std") > 0).all()):
            raise InputError(f"std must be above 0; got {std}")

    @property
    def changes_nothing(self) -> bool:
        """Whether `inner` alone does the same."""
        plain = self.layout == "NCTHW" and self.precision == "float32" and self.draws == 1
        return plain and not self.normalizes

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits (B, K), float32, of clips in the layout."""
        clips = x.permute(LAYOUTS[self.layout]) if x.ndim == 5 else x
        if self.draws > 1 and self.single:
            raise InputError("averaging over passes needs a logit for each class: give it two")
        if self.draws > 1:
            # log of the mean probability, without ever leaving the log.
            answers = torch.stack([self._once(clips).log_softmax(1) for _ in range(self.draws)])
            return answers.logsumexp(dim=0) - math.log(self.draws)
        return self._once(clips)

    def _once(self, clips: Tensor) -> Tensor:
        if self.normalizes:
            clips = (clips - self.get_buffer("mean")) / self.get_buffer("std")
        if self.precision == "float32":
            logits: Any = self.inner(clips)
        else:
            with torch.autocast(clips.device.type, dtype=torch.bfloat16):
                logits = self.inner(clips)
        if not isinstance(logits, Tensor):
            # transformers' models answer with an object that carries the logits.
            logits = getattr(logits, "logits", logits)
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


def _per_channel(name: str, values: float | Sequence[float] | None, default: float) -> Tensor:
    numbers = torch.as_tensor(default if values is None else values, dtype=torch.float32).flatten()
    if not bool(numbers.isfinite().all()):
        raise InputError(f"{name} must be finite; got {shown(values)}")
    if len(numbers) not in (1, 3):
        raise InputError(f"{name} must be one number or one a channel (3); got {len(numbers)}")
    return numbers.view(1, -1, 1, 1, 1)


def _describe(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
