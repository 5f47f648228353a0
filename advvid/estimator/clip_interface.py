"""Clips in and out of a classifier: arrays or tensors, either layout, preprocessors."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from advvid.checks import check_array, check_clip_shape, check_logits
from advvid.errors import InputError
from advvid.estimator.art_wrapper import ArtWrapper
from advvid.estimator.labels import for_loss, read_labels, takes_indices
from advvid.estimator.preprocessing import ClipModel, TwoLogits
from advvid.inference.frozen import frozen
from advvid.inference.layouts import LAYOUTS, from_layout
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
        return from_layout(x, self.layout) if x.ndim == 5 else x

    def to_clips(self, x: Array | Tensor) -> Tensor:
        """Bring an array or a tensor in the layout of the classifier to float (B, C, T, H, W).

        Raises:
            InputError: for anything else, integers (such as uint8 pixels in 0..255) among it.
        """
        check_array("clips", x)
        given = x if isinstance(x, Tensor) else _as_tensor(x)
        if not given.is_floating_point():
            hint = ": divide by 255" if given.dtype == torch.uint8 else ""
            raise InputError(f"clips must be floating point in [0, 1]; got {given.dtype}{hint}")
        return self.to_canonical(given).to(torch.float32)

    def from_clips(self, clips: Tensor, *, like: ArrayOrTensor) -> ArrayOrTensor:
        """Bring float (B, C, T, H, W) back to the layout and kind of what the caller handed in."""
        back = clips.permute(LAYOUTS[self.layout])
        if isinstance(like, Tensor):
            return back.to(like.device)
        return np.ascontiguousarray(back.detach().cpu().numpy(), dtype=np.float32)

    def to_labels(self, y: Any) -> Tensor:
        """Bring labels, whole numbers (B,) or shares of the classes (B, K), to int64 (B,).

        Raises:
            InputError: for anything else, see `read_labels`.
        """
        labels = read_labels(y, num_classes=self.nb_classes)
        return labels if labels.ndim == 1 else labels.argmax(dim=1)

    def loss_of(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Give the loss of outputs of the model, with labels in the form that the loss wants.

        Args:
            outputs: (B, K).
            labels: int64 (B,), or soft (B, K).
        """
        loss: Tensor = self._loss(outputs, for_loss(labels, self._loss, outputs, estimator=self))
        return loss

    def takes_indices(self, loss: Any) -> bool:
        """Tell whether a loss takes indices, see `labels.takes_indices`; it is tried only once."""
        known = self.__dict__.get("_tried_loss")
        if known is None or known[0] is not loss:
            known = (loss, takes_indices(loss, self.nb_classes, self.device))
            self.__dict__["_tried_loss"] = known
        return bool(known[1])

    def differentiable(self) -> nn.Module:
        """Give the module clips (B, C, T, H, W) -> logits (B, K) that attacks differentiate.

        It runs through ART preprocessors where the classifier has any: those of arrays with the
        gradient that they estimate themselves, which for most is the identity.
        """
        model = self._clip_model(self.preprocessing_operations)
        if not self._model.adapted.single:
            return model
        return TwoLogits(model, probability=isinstance(self._loss, nn.BCELoss))

    def _clip_model(self, preprocessing: Sequence[Any] = ()) -> nn.Module:
        """Give the module clips (B, C, T, H, W) -> outputs (B, K) behind these preprocessors."""
        adapted = self._model.adapted
        if self.layout == "NCTHW" and not preprocessing:
            return adapted
        return ClipModel(adapted, preprocessing)

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


def _as_tensor(array: Array) -> Tensor:
    """Make a tensor of an array, with bytes and strides in the usual order, which torch wants."""
    try:
        usual = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
        return torch.from_numpy(usual if usual.flags.writeable else usual.copy())
    except TypeError as error:
        raise InputError(f"clips must hold numbers; got an array of {array.dtype}") from error
