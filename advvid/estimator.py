"""An ART classifier for clips, without the round trip through numpy."""

import copy
from typing import Any

import torch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from advvid.channel_standardization import ChannelStandardization
from advvid.clip_interface import Array, ArrayOrTensor
from advvid.devices import resolve_device
from advvid.errors import InputError
from advvid.fit_predict import FitPredict
from advvid.frozen import frozen
from advvid.logits_model import LogitsModel


class VideoClassifier(FitPredict, PyTorchClassifier):
    """A video classifier as an ART estimator.

    Any ART attack that accepts five axes can use it; ART's PGD takes its PyTorch path, because
    `loss_gradient` computes the gradient with respect to the input only and never leaves the
    device. The caller's model keeps its mode, its `requires_grad` and its batch-norm statistics.

    Args:
        model: a module from clips (B, C, T, H, W) to logits (B, K).
        loss: of logits and int labels; None is cross-entropy.
        input_shape: (C, T, H, W), or (T, H, W, C) with layout "NTHWC"; None takes it from the model
            where the model knows it, and checks no shape otherwise.
        nb_classes: K; None takes it from the model.
        optimizer: for `fit`.
        layout: "NCTHW" or "NTHWC", of all that goes in and comes out.
        mean: per channel, subtracted inside, so that attacks see pixels; for models that do not
            normalize by themselves.
        std: per channel, divided by inside.
        clip_values: range of the pixels; attacks of advvid take (0, 1).
        device: "auto" (CUDA when there is one), "cpu", "cuda:1", ...; the model is moved there.
        precision: "float32", or "bf16" for bfloat16 autocast.
        preprocessing_defences: ART preprocessors, in front of the model.
        postprocessing_defences: ART postprocessors, behind it.

    Raises:
        InputError: when the number of classes is not known, or a setting is not one of the above.
    """

    estimator_params = (*PyTorchClassifier.estimator_params, "layout", "precision")

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module | None = None,
        input_shape: tuple[int, ...] | None = None,
        nb_classes: int | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        *,
        layout: str = "NCTHW",
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
        clip_values: tuple[float, float] = (0.0, 1.0),
        device: str | torch.device = "auto",
        precision: str = "float32",
        preprocessing_defences: Any = None,
        postprocessing_defences: Any = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise InputError(f"the model must be a torch module; got {type(model).__name__}")
        nb_classes = nb_classes or getattr(model, "num_classes", None)
        if nb_classes is None:
            raise InputError(
                "the number of classes is not known from the model: pass nb_classes=..."
            )
        if input_shape is None and (known := getattr(model, "input_shape", None)) is not None:
            input_shape = tuple(known) if layout == "NCTHW" else (*known[1:], known[0])
        wrapper = LogitsModel(model, layout=layout, precision=precision, mean=mean, std=std)
        wrapper.check()
        target = resolve_device(device)
        super().__init__(
            model=wrapper,
            loss=nn.CrossEntropyLoss() if loss is None else loss,
            input_shape=input_shape,
            nb_classes=nb_classes,
            optimizer=optimizer,
            channels_first=layout == "NCTHW",
            clip_values=clip_values,
            preprocessing_defences=preprocessing_defences,
            postprocessing_defences=postprocessing_defences,
            preprocessing=None,
            device_type="cpu" if target.type == "cpu" else "gpu",
        )
        self._device = target
        self._model.to(target)

    def loss_gradient(
        self, x: ArrayOrTensor, y: Any, training_mode: bool = False, **kwargs: Any
    ) -> ArrayOrTensor:
        """Differentiate the loss with respect to the pixels.

        Args:
            x: clips in the layout of the classifier; array or tensor.
            y: labels, int (B,) or one-hot (B, K).
            training_mode: run the model in training mode; its batch-norm statistics are restored.

        Returns:
            The gradient, of the shape, kind and device of `x`.
        """
        clips, labels = self.to_clips(x).to(self.device), self.to_labels(y).to(self.device)
        model = self.differentiable()
        with frozen(self._model, training=training_mode), torch.enable_grad():
            clips = clips.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(self._loss(model(clips), labels), clips)
        return self.from_clips(gradient, like=x)

    def class_gradient(
        self, x: Array, label: Any = None, training_mode: bool = False, **kwargs: Any
    ) -> Array:
        """Differentiate logits with respect to the pixels; see ART's PyTorchClassifier."""
        with frozen(self._model, training=training_mode):
            gradient: Array = super().class_gradient(x, label, training_mode, **kwargs)
        return gradient

    def compute_loss(
        self, x: ArrayOrTensor, y: Any, reduction: str = "none", **kwargs: Any
    ) -> ArrayOrTensor:
        """Give the loss of clips: (B,), or a number for reduction "mean" or "sum"."""
        clips, labels = self.to_clips(x).to(self.device), self.to_labels(y).to(self.device)
        loss: Any = self._loss
        kept, loss.reduction = loss.reduction, reduction
        try:
            with frozen(self._model):
                losses: Tensor = loss(self.differentiable()(clips), labels)
        finally:
            loss.reduction = kept
        return losses if isinstance(x, Tensor) else losses.detach().cpu().numpy()

    def set_params(self, **kwargs: Any) -> None:
        """Set parameters as in ART; a (mean, std) preprocessing stays in PyTorch, per channel."""
        standard = kwargs.get("preprocessing")
        if isinstance(standard, tuple):
            kwargs["preprocessing"] = ChannelStandardization(*standard, layout=self.layout)
        for name in ("layout", "precision"):
            if name in kwargs:
                setattr(self._model, name, kwargs.pop(name))
        self._model.check()
        super().set_params(**kwargs)

    def clone_for_refitting(self) -> "VideoClassifier":
        """Copy the classifier with fresh weights and a fresh optimizer of the same settings."""
        clone = copy.deepcopy(self)
        clone.reset()
        if clone._optimizer is not None:
            clone._optimizer.state.clear()
        return clone

    def _make_model_wrapper(self, model: LogitsModel) -> LogitsModel:
        """Keep our own wrapper where ART would make one."""
        return model

    def __getstate__(self) -> dict[str, Any]:
        # ART's own version writes the weights to a folder of its own on the side.
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
