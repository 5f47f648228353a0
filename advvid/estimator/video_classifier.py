"""An ART classifier for clips, without the round trip through numpy."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from advvid.checks import check_count
from advvid.errors import InputError, shown
from advvid.estimator.adapted_model import AdaptedModel
from advvid.estimator.art_wrapper import ArtWrapper
from advvid.estimator.channel_standardization import ChannelStandardization
from advvid.estimator.clip_interface import Array, ArrayOrTensor
from advvid.estimator.fit_predict import FitPredict
from advvid.estimator.labels import read_labels
from advvid.inference.devices import resolve_device
from advvid.inference.frozen import frozen
from advvid.methods.arguments import checked


@checked
class VideoClassifier(FitPredict, PyTorchClassifier):
    """A video classifier as an ART estimator.

    Any ART attack that accepts five axes can use it; ART's PGD takes its PyTorch path, because
    `loss_gradient` computes the gradient with respect to the input only and never leaves the
    device. The caller's model keeps its mode, its `requires_grad` and its batch-norm statistics.

    Args:
        model: a module from clips (B, C, T, H, W) to logits (B, K).
        loss: of logits and labels; None is cross-entropy. Labels reach it in the form that it
            takes: indices, or one-hot where it takes no indices; for torch's binary losses floats,
            and the model may have one output for two classes.
        input_shape: (C, T, H, W), or (T, H, W, C) with layout "NTHWC"; None takes it from the model
            where the model has one. Without it no shape is checked, and some ART attacks fail.
        nb_classes: K; None takes it from the model.
        optimizer: for `fit`.
        layout: "NCTHW" or "NTHWC", of all that goes in and comes out.
        mean: per channel, subtracted inside, so that attacks see pixels; for models that do not
            normalize by themselves.
        std: per channel, divided by inside.
        clip_values: range of the pixels, which is (0, 1).
        device: "auto" (CUDA when there is one), "cpu", "cuda:1", ...; the model is moved there.
        precision: "float32", or "bf16" for bfloat16 autocast.
        preprocessing_defences: ART preprocessors, in front of the model.
        postprocessing_defences: ART postprocessors, behind it.

    Raises:
        InputError: when the model does not give the number of classes, or for an invalid setting.
    """

    estimator_params = (*PyTorchClassifier.estimator_params, "layout", "precision")

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module | Callable[[Tensor, Tensor], Tensor] | None = None,
        input_shape: tuple[int, ...] | None = None,
        nb_classes: int | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        *,
        layout: str = "NCTHW",
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        clip_values: tuple[float, float] = (0.0, 1.0),
        device: str | torch.device = "auto",
        precision: str = "float32",
        preprocessing_defences: Any = None,
        postprocessing_defences: Any = None,
    ) -> None:
        if nb_classes is None:
            nb_classes = getattr(model, "num_classes", None)
        if nb_classes is None:
            raise InputError("the model does not give the number of classes: pass nb_classes=...")
        check_count("nb_classes", nb_classes)
        if nb_classes < 2:
            raise InputError(f"nb_classes must be at least 2; got {nb_classes}")
        if input_shape is None and (known := getattr(model, "input_shape", None)) is not None:
            input_shape = tuple(known) if layout == "NCTHW" else (*known[1:], known[0])
        if input_shape is not None and (len(input_shape) != 4 or min(input_shape) < 1):
            raise InputError(
                f"input_shape must be four sizes, each at least 1, (3, T, H, W) with {layout}; got "
                f"{tuple(input_shape)}"
            )
        if tuple(float(v) for v in clip_values) != (0.0, 1.0):
            raise InputError(
                f"clip_values must be (0, 1); got {clip_values}: divide clips by 255, and "
                "pass mean and std for a model that wants other values"
            )
        adapted = AdaptedModel(
            model,
            layout=layout,
            precision=precision,
            mean=mean,
            std=std,
            num_classes=nb_classes,
            single=nb_classes == 2 and isinstance(loss, nn.BCELoss | nn.BCEWithLogitsLoss),
        )
        target = resolve_device(device)
        super().__init__(
            model=ArtWrapper(adapted),
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

    @property
    def inner(self) -> nn.Module:
        """The caller's module, which every pass goes through."""
        return self._model.adapted.inner

    @contextmanager
    def averaging(self, draws: int) -> Iterator[None]:
        """Average predicted probabilities over several passes, for models that are random.

        Attacks then follow the gradient of the loss of that mean (expectation over transformation,
        Athalye et al. 2018, "Synthesizing robust adversarial examples").

        Args:
            draws: passes for each prediction, at least 1; logits become log-probabilities for 2 or
                more.
        """
        adapted = self._model.adapted
        kept, adapted.draws = adapted.draws, draws
        try:
            yield
        finally:
            adapted.draws = kept

    def loss_gradient(
        self, x: ArrayOrTensor, y: Any, training_mode: bool = False, **kwargs: Any
    ) -> ArrayOrTensor:
        """Differentiate the loss with respect to the pixels.

        Args:
            x: clips in the layout of the classifier; array or tensor.
            y: labels, int (B,), one-hot or soft (B, K).
            training_mode: run the model in training mode; its batch-norm statistics are restored.

        Returns:
            The gradient, of the shape, kind and device of `x`.

        Raises:
            InputError: when clips or labels cannot be used, or do not fit each other.
        """
        clips, labels = self._read_labeled(x, y)
        model = self._clip_model(self.preprocessing_operations)
        with frozen(self._model, training=training_mode), torch.enable_grad():
            clips = clips.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.loss_of(model(clips), labels), clips)
        return self.from_clips(gradient, like=x)

    def class_gradient(
        self, x: Array, label: Any = None, training_mode: bool = False, **kwargs: Any
    ) -> Array:
        """Differentiate logits with respect to the pixels; see ART's PyTorchClassifier.

        Raises:
            InputError: when the clips cannot be used, or `label` is no class.
        """
        count = len(self._read_clips(x))
        if label is not None:
            whole = np.ndim(label) == 0
            read_labels(
                np.atleast_1d(label), num_classes=self.nb_classes, count=1 if whole else count
            )
        parameters = list(self._model.parameters())
        kept = [parameter.grad for parameter in parameters]
        with frozen(self._model, training=training_mode):
            gradient: Array = super().class_gradient(x, label, training_mode, **kwargs)
        # ART empties the gradients of the parameters on its way.
        for parameter, grad in zip(parameters, kept, strict=True):
            parameter.grad = grad
        return gradient

    def compute_loss(
        self, x: ArrayOrTensor, y: Any, reduction: str = "none", **kwargs: Any
    ) -> ArrayOrTensor:
        """Give the loss of clips: (B,), or a number for reduction "mean" or "sum"."""
        if reduction not in ("none", "mean", "sum"):
            raise InputError(f"reduction must be none, mean or sum; got {shown(reduction)}")
        clips, labels = self._read_labeled(x, y)
        loss: Any = self._loss
        if not hasattr(loss, "reduction"):
            raise InputError(f"{type(loss).__name__} has no reduction: use one of torch's losses")
        kept, loss.reduction = loss.reduction, reduction
        try:
            with frozen(self._model):
                losses = self.loss_of(
                    self._clip_model(self.preprocessing_operations)(clips), labels
                )
        finally:
            loss.reduction = kept
        return losses if isinstance(x, Tensor) else losses.detach().cpu().numpy()

    def _read_labeled(self, x: Array | Tensor, y: Any) -> tuple[Tensor, Tensor]:
        """Read clips and their labels, onto the device."""
        clips = self._read_clips(x)
        labels = read_labels(y, num_classes=self.nb_classes, count=len(clips))
        return clips.to(self.device), labels.to(self.device)

    def set_params(self, **kwargs: Any) -> None:
        """Set parameters as in ART; a (mean, std) preprocessing stays in PyTorch, per channel.

        Raises:
            InputError: for what is fixed when the classifier is built.
        """
        fixed = {"model": self.model, "layout": self.layout, "precision": self.precision}
        for name, value in fixed.items():
            wanted = kwargs.pop(name, value)
            if wanted is not value and (name == "model" or wanted != value):
                raise InputError(f"{name} is fixed: build a new VideoClassifier")
        standard = kwargs.get("preprocessing")
        if isinstance(standard, tuple):
            kwargs["preprocessing"] = ChannelStandardization(*standard, layout=self.layout)
        super().set_params(**kwargs)

    def clone_for_refitting(self) -> "VideoClassifier":
        """Copy the classifier with fresh weights and a fresh optimizer of the same settings."""
        clone = copy.deepcopy(self)
        clone.reset()
        if clone._optimizer is not None:
            clone._optimizer.state.clear()
        return clone

    def _make_model_wrapper(self, model: ArtWrapper) -> ArtWrapper:
        """Keep our own wrapper where ART would make one."""
        return model

    def __getstate__(self) -> dict[str, Any]:
        # ART's own version writes the weights to a folder of its own on the side.
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
