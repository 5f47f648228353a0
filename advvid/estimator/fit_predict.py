"""`predict` and `fit` of a classifier, for arrays and tensors alike."""

from typing import Any

import torch
from torch import Tensor, nn

from advvid.checks import check_clip_shape, check_count
from advvid.errors import InputError, shown
from advvid.estimator.clip_interface import Array, ArrayOrTensor, ClipInterface
from advvid.estimator.labels import read_labels
from advvid.inference.frozen import in_mode
from advvid.methods.arguments import checked

# Attacks of other toolkits may step a little outside of [0, 1]; pixels in 0..255 or standardized
# inputs lie far outside.
_TOLERATED_RANGE = (-0.5, 1.5)


class FitPredict(ClipInterface):
    """`predict` and `fit` that stay on the device.

    A base class beside PyTorchClassifier and not a subclass of it, because ART's metaclass wraps
    `predict` and `fit` of its subclasses so that tensors become arrays.
    """

    @checked
    def predict(
        self, x: ArrayOrTensor, batch_size: int = 128, training_mode: bool = False, **kwargs: Any
    ) -> ArrayOrTensor:
        """Classify clips.

        Args:
            x: clips in the layout of the classifier, float in [0, 1]; array or tensor.
            batch_size: clips in a forward pass.
            training_mode: run the model in training mode; its batch-norm statistics are restored.
            kwargs: what ART passes on; none is used.

        Returns:
            Logits (B, K), after postprocessing defences where there are any; an array for an
            array, a tensor on the device of `x` for a tensor.

        Raises:
            InputError: when the clips have another type, shape or range.
        """
        check_count("batch_size", batch_size)
        clips = self._read_clips(x)
        model = self._clip_model(self.preprocessing_operations)
        logits = self._classify(model, clips, batch_size, training=training_mode)
        if self.postprocessing_defences:
            logits = torch.from_numpy(
                self._apply_postprocessing(preds=logits.cpu().numpy(), fit=False)
            )
        return logits.to(x.device) if isinstance(x, Tensor) else logits.cpu().numpy()

    @checked
    def fit(
        self,
        x: Array | Tensor,
        y: Array | Tensor,
        batch_size: int = 16,
        nb_epochs: int = 10,
        training_mode: bool = True,
        drop_last: bool = False,
        scheduler: Any = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        """Train the model on clips in memory, as ART's trainers do.

        For data on disk, checkpoints and history use `advvid.train`.

        Args:
            x: clips in the layout of the classifier, float in [0, 1].
            y: labels, int (B,), one-hot or soft (B, K).
            batch_size: clips in a step.
            nb_epochs: passes over the clips.
            training_mode: run the model in training mode.
            drop_last: leave out a last batch that is not full.
            scheduler: its `step()` is called after every epoch.
            seed: of the order of the clips.
            kwargs: ART's further settings (`verbose`, `validation_data`); none is used.

        Raises:
            InputError: when there is no optimizer, or clips or labels cannot be used.
        """
        if self._optimizer is None:
            raise InputError(
                "fit needs an optimizer; build VideoClassifier(..., optimizer=torch.optim...)"
            )
        check_count("batch_size", batch_size)
        check_count("nb_epochs", nb_epochs)
        if scheduler is not None and not callable(getattr(scheduler, "step", None)):
            raise InputError(f"scheduler must have step(); got {shown(scheduler)}")
        clips = self._read_clips(x)
        labels = read_labels(y, num_classes=self.nb_classes, count=len(clips))
        if self.preprocessing_operations:
            # As in ART: over all clips once, those of the preprocessors that apply to training.
            shares = labels
            if labels.ndim == 1:
                shares = nn.functional.one_hot(labels, self.nb_classes).float()
            processed, given = self._apply_preprocessing(_as_array(x), _as_array(shares), fit=True)
            clips = self.to_clips(processed)
            labels = read_labels(given, num_classes=self.nb_classes, count=len(clips))
        generator = torch.Generator().manual_seed(seed)
        stop = len(clips) - len(clips) % batch_size if drop_last else len(clips)
        model = self._clip_model()
        with in_mode(model, training=training_mode):
            for _ in range(nb_epochs):
                order = torch.randperm(len(clips), generator=generator).to(clips.device)
                for start in range(0, stop, batch_size):
                    at = order[start : start + batch_size]
                    outputs = model(clips[at].to(self.device))
                    self._optimizer.zero_grad()
                    self.loss_of(outputs, labels[at].to(self.device)).backward()
                    self._optimizer.step()
                if scheduler is not None:
                    scheduler.step()

    def _read_clips(self, x: Array | Tensor) -> Tensor:
        """Read clips as `to_clips` does, and refuse another shape or range."""
        clips = self.to_clips(x)
        check_range(clips, self.clip_shape)
        return clips


def _as_array(x: Array | Tensor) -> Array:
    return x.detach().cpu().numpy() if isinstance(x, Tensor) else x


def check_range(clips: Tensor, input_shape: tuple[int, ...] | None = None) -> None:
    """Refuse clips of another shape, or far outside of [0, 1]: attacks may step out a little.

    Raises:
        InputError: naming the shape or range that came.
    """
    check_clip_shape(clips, input_shape=input_shape)
    if clips.numel() == 0:
        raise InputError(f"clips are empty: got shape {tuple(clips.shape)}; hand in at least one")
    low, high = (float(v) for v in torch.aminmax(clips))
    if not (_TOLERATED_RANGE[0] <= low and high <= _TOLERATED_RANGE[1]):
        raise InputError(
            f"clips must be finite and in [0, 1]; got values from {low:.4g} to {high:.4g}"
            f"{': divide by 255' if high > 2 else ''}"
        )
