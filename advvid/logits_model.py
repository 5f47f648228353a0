"""The module that ART holds: layout, normalization and precision around the caller's model."""

from typing import Any

import torch
from torch import Tensor, nn

from advvid.errors import InputError

LAYOUTS: dict[str, tuple[int, ...]] = {"NCTHW": (0, 1, 2, 3, 4), "NTHWC": (0, 4, 1, 2, 3)}
"""Layout of the caller -> the permutation that brings it to (B, C, T, H, W)."""

PRECISIONS = ("float32", "bf16")


class LogitsModel(nn.Module):
    """Calls a model on clips of any layout; gives ART the list of outputs that it expects.

    Args:
        model: clips (B, C, T, H, W) -> logits (B, K); ART reads it back as `_model`.
        layout: of the clips that `forward` takes; `canonical` takes (B, C, T, H, W).
        precision: "float32" or "bf16" (autocast).
        mean: per channel, or None.
        std: per channel, or None.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        layout: str,
        precision: str,
        mean: tuple[float, ...] | None,
        std: tuple[float, ...] | None,
    ) -> None:
        super().__init__()
        self._model = model
        self.layout = layout
        self.precision = precision
        normalize = mean is not None or std is not None
        self.register_buffer("mean", _per_channel(mean or (0.0,)) if normalize else None, False)
        self.register_buffer("std", _per_channel(std or (1.0,)) if normalize else None, False)

    def check(self) -> None:
        """Refuse a layout or precision that is not known.

        Raises:
            InputError: naming what is.
        """
        if self.layout not in LAYOUTS:
            raise InputError(f"layout must be one of {', '.join(LAYOUTS)}; got {self.layout!r}")
        if self.precision not in PRECISIONS:
            raise InputError(
                f"precision must be one of {', '.join(PRECISIONS)}; got {self.precision!r}"
            )

    def canonical(self, clips: Tensor) -> Tensor:
        """Give the logits (B, K), float32, of clips (B, C, T, H, W)."""
        if isinstance(self.mean, Tensor) and isinstance(self.std, Tensor):
            clips = (clips - self.mean) / self.std
        if self.precision == "float32":
            logits: Any = self._model(clips)
        else:
            with torch.autocast(clips.device.type, dtype=torch.bfloat16):
                logits = self._model(clips)
        if not isinstance(logits, Tensor):
            # transformers' models answer with an object that carries the logits.
            logits = getattr(logits, "logits", logits)
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            raise InputError(
                f"the model must give logits (B, K); got {_describe(logits)}: wrap it in a module "
                "that does"
            )
        return logits if logits.dtype == torch.float64 else logits.float()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Give the outputs of the model as ART wants them: a list that ends with the logits."""
        return [self.canonical(x.permute(LAYOUTS[self.layout]) if x.ndim == 5 else x)]

    @property
    def get_layers(self) -> list[str]:
        """Names of the children of the model, as ART's wrapper gives them."""
        return [name for name, _ in self._model.named_children()]


class CanonicalModel(nn.Module):
    """The same model for clips (B, C, T, H, W), with one output; what attacks differentiate.

    A module, so that `frozen` reaches the modes of the model inside.
    """

    def __init__(self, model: LogitsModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, clips: Tensor) -> Tensor:
        """Give the logits (B, K), float32."""
        return self.model.canonical(clips)


def _per_channel(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1, 1)


def _describe(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
