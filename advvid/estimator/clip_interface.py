"""Clips in and out of a classifier: arrays or tensors, either layout, preprocessors."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from torch import Tensor, nn

from advvid.checks import (
    check_array,
    check_clip_shape,
    check_label_values,
    check_labels,
    check_logits,
)
from advvid.errors import InputError
from advvid.estimator.adapted_model import LAYOUTS, AdaptedModel
from advvid.estimator.art_wrapper import ArtWrapper
from advvid.inference.frozen import frozen
from advvid.inference.micro_batch import MicroBatcher, default_micro_batch

Array = npt.NDArray[Any]
ArrayOrTensor = TypeVar("ArrayOrTensor", Array, Tensor)


class ClipInterface:
    """What a classifier needs to take clips as arrays or as tensors on their device.

    The attributes below are those of ART's PyTorchClassifier, which it is mixed into.
    """

    nb_classes: int
    device: torch.device
    _input_shape: tuple[int, ...] | None
    _model: ArtWrapper
    _loss: nn.Module
    _optimizer: torch.optim.Optimizer | None
    preprocessing_operations: list[Any]
    all_framework_preprocessing: bool
    postprocessing_defences: list[Any] | None
    _apply_preprocessing: Callable[..., tuple[Any, Any]]
    _apply_postprocessing: Callable[..., Array]

    @property
    def layout(self) -> str:
        """Layout of all that goes in and comes out."""
        return self._model.adapted.layout

    @property
    def precision(self) -> str:
        """Precision of the forward pass."""
        return self._model.adapted.precision

    @property
    def clip_shape(self) -> tuple[int, ...] | None:
        """Shape (C, T, H, W) that clips must have, or None."""
        shape = self._input_shape
        if shape is None or self.layout == "NCTHW":
            return shape
        return (shape[-1], *shape[:-1])

    def to_canonical(self, x: Tensor) -> Tensor:
        """Permute from the layout of the classifier to (B, C, T, H, W)."""
        return x.permute(LAYOUTS[self.layout]) if x.ndim == 5 else x

    def to_clips(self, x: Array | Tensor) -> Tensor:
        """Bring an array or a tensor in the layout of the classifier to float (B, C, T, H, W).

        Raises:
            InputError: when it holds integers (such as uint8 pixels in 0..255).
        """
        check_array("clips", x)
        given: Tensor = (
            torch.from_numpy(np.ascontiguousarray(x)) if isinstance(x, np.ndarray) else x
        )
        if not given.is_floating_point():
            raise InputError(
                f"clips must be floating point in [0, 1]; got {given.dtype}: divide by 255"
            )
        return self.to_canonical(given).to(torch.float32)

    def from_clips(self, clips: Tensor, *, like: ArrayOrTensor) -> ArrayOrTensor:
        """Bring float (B, C, T, H, W) back to the layout and kind of what the caller handed in."""
        back = clips.permute(_axes_from_clips(self.layout))
        if isinstance(like, Tensor):
            return back.to(like.device)
        return np.ascontiguousarray(back.detach().cpu().numpy(), dtype=np.float32)

    def to_labels(self, y: Any) -> Tensor:
        """Bring labels, int (B,) or one-hot (B, K), as array or tensor, to int64 (B,).

        Raises:
            InputError: when they are no numbers.
        """
        check_label_values(y)
        labels = y if isinstance(y, Tensor) else torch.as_tensor(np.asarray(y))
        if labels.ndim == 2 and labels.shape[1] == self.nb_classes:
            return labels.argmax(dim=1)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        return labels if labels.is_floating_point() else labels.to(torch.int64)

    def to_targets(self, y: Any) -> Tensor:
        """Bring labels to what the loss takes: int64 (B,), or soft labels (B, K) as they are."""
        check_label_values(y)
        given = y if isinstance(y, Tensor) else torch.as_tensor(np.asarray(y))
        soft = (
            given.ndim == 2 and given.is_floating_point() and bool((given != given.round()).any())
        )
        if soft:
            return given.to(torch.float32)
        labels = self.to_labels(given)
        check_labels(labels, len(given), self.nb_classes)
        return labels

    def differentiable(self) -> nn.Module:
        """Give the module clips (B, C, T, H, W) -> logits (B, K) that attacks differentiate.

        It runs through ART preprocessors where the classifier has any.

        Raises:
            InputError: when a preprocessor has no differentiable (PyTorch) form.
        """
        if self.preprocessing_operations and not self.all_framework_preprocessing:
            names = ", ".join(type(p).__name__ for p in self.preprocessing_operations)
            raise InputError(
                f"gradients need preprocessing in PyTorch; got {names}: use the PyTorch version of "
                "the preprocessor"
            )
        return self._clip_model(self.preprocessing_operations)

    def _clip_model(self, preprocessing: Sequence[Any] = ()) -> nn.Module:
        """Give the module clips (B, C, T, H, W) -> logits (B, K) behind these preprocessors."""
        adapted = self._model.adapted
        if self.layout == "NCTHW" and not preprocessing:
            return adapted
        return _ClipModel(adapted, preprocessing)

    def logits(self, clips: Tensor, *, batch_size: int | None = None) -> Tensor:
        """Classify clips in evaluation mode without gradients.

        Args:
            clips: float (B, C, T, H, W) in [0, 1], on any device.
            batch_size: clips in a forward pass; None chooses by their size.

        Returns:
            float32 (B, K) on the device of the classifier.

        Raises:
            InputError: when the clips do not fit, or a logit is NaN or infinite.
        """
        check_clip_shape(clips, input_shape=self.clip_shape)
        model = self.differentiable()
        return self._classify(
            model, clips, batch_size or default_micro_batch(clips.shape[1:], self.device)
        )

    def _classify(
        self, model: nn.Module, clips: Tensor, batch_size: int, *, training: bool = False
    ) -> Tensor:
        """Give the logits of `model` without gradients, in micro-batches on its device."""

        def forward(batch: Tensor) -> tuple[Tensor]:
            return (model(batch.to(self.device)).float(),)

        with frozen(self._model, training=training), torch.no_grad():
            (logits,) = MicroBatcher(batch_size).run(forward, clips)
        check_logits(logits)
        return logits


class _ClipModel(nn.Module):
    """A model for clips (B, C, T, H, W), behind preprocessors that see the caller's layout."""

    def __init__(self, model: AdaptedModel, preprocessing: Sequence[Any]) -> None:
        super().__init__()
        self.model = model
        self._preprocessing = preprocessing

    def forward(self, clips: Tensor) -> Tensor:
        x = clips.permute(_axes_from_clips(self.model.layout))
        for operation in self._preprocessing:
            if operation.apply_predict:
                x = _preprocess(operation, x)
        logits: Tensor = self.model(x)
        return logits


def _axes_from_clips(layout: str) -> list[int]:
    """Give the permutation that brings (B, C, T, H, W) to a layout."""
    axes = LAYOUTS[layout]
    return [axes.index(i) for i in range(5)]


def _preprocess(operation: Any, x: Tensor) -> Tensor:
    """Apply a preprocessor: its own values, with the gradient of its differentiable estimate."""
    exact: Tensor = operation.forward(x)[0]
    own_estimate = type(operation).estimate_forward is not PreprocessorPyTorch.estimate_forward
    if not (own_estimate and x.requires_grad):
        return exact
    estimate: Tensor = operation.estimate_forward(x)
    return estimate + (exact - estimate).detach()
