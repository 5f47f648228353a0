"""Labels that callers hand in, and the form in which a loss wants them."""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from advvid.checks import check_array, check_labels
from advvid.errors import InputError, first_line, shown

_WANTED = "labels must be integers (B,), one-hot or soft (B, K)"


def read_labels(given: Any, *, num_classes: int, count: int | None = None) -> Tensor:
    """Bring labels to int64 (B,), or float32 (B, K) where they are soft.

    Args:
        given: array or tensor: whole numbers (B,) or (B, 1), floats among them, or shares of
            each class (B, K) that sum to 1, one-hot among them.
        num_classes: K.
        count: B that is wanted, None for any.

    Raises:
        InputError: for anything else.
    """
    labels = _as_tensor(given)
    if labels.ndim not in (1, 2):
        raise InputError(f"{_WANTED}; got {tuple(labels.shape)}")
    if labels.numel() == 0:
        raise InputError(f"labels are empty: got shape {tuple(labels.shape)}")
    if labels.dtype == torch.bool or labels.is_complex():
        raise InputError(f"{_WANTED}; got {labels.dtype} {tuple(labels.shape)}")
    if labels.is_floating_point() and not bool(torch.isfinite(labels).all()):
        raise InputError("labels must be finite; got values that are NaN or infinite")
    wanted = len(labels) if count is None else count
    if labels.ndim == 2 and labels.shape[1] == num_classes > 1:
        if len(labels) != wanted:
            raise InputError(f"labels must be ({wanted}, {num_classes}); got {tuple(labels.shape)}")
        return _read_shares(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.is_floating_point() and bool((labels != labels.round()).any()):
        raise InputError(f"{_WANTED}; got {labels.dtype} {tuple(labels.shape)} with fractions")
    labels = labels.to(torch.int64)
    check_labels(labels, wanted, num_classes)
    return labels


def _as_tensor(given: Any) -> Tensor:
    check_array("labels", given)
    if isinstance(given, Tensor):
        return given.detach()
    try:
        # A copy with strides and bytes in the usual order, which torch wants.
        return torch.from_numpy(np.array(given, dtype=given.dtype.newbyteorder("=")))
    except TypeError as error:
        raise InputError(f"{_WANTED}; got an array of {given.dtype}") from error


def _read_shares(labels: Tensor) -> Tensor:
    """Read shares of classes (B, K): their index where each is 0 or 1."""
    shares = labels.to(torch.float32)
    if bool((shares < 0).any()) or bool(((shares.sum(1) - 1).abs() > 1e-3).any()):
        raise InputError("labels (B, K) must be shares of the classes, which sum to 1 in each row")
    if bool((shares == shares.round()).all()):
        return shares.argmax(dim=1)
    return shares


def for_loss(labels: Tensor, loss: Any, outputs: Tensor, *, estimator: Any) -> Tensor:
    """Give labels in the form that a loss wants, as ART's PyTorchClassifier decides it.

    Cross-entropy takes indices or soft labels, others of torch's losses indices, binary
    cross-entropy floats in the shape of the outputs. A loss of another class is tried once: indices
    where it takes them, else one-hot labels, as ART hands over.

    Args:
        labels: int64 (B,), or soft (B, K).
        loss: of outputs and labels.
        outputs: of the model, (B, K), or (B, 1) for two classes.
        estimator: with ART's flags `_reduce_labels`, `_int_labels` and `_probability_labels`.

    Raises:
        InputError: when the loss takes neither form.
    """
    indices = labels if labels.ndim == 1 else labels.argmax(dim=1)
    if estimator._reduce_labels:
        if estimator._int_labels:
            return labels if estimator._probability_labels else indices
        if outputs.shape[1] == 1:
            return indices[:, None].to(outputs.dtype)
        return F.one_hot(indices, outputs.shape[1]).to(outputs.dtype)
    if labels.ndim == 2 or estimator.takes_indices(loss):
        return labels
    return F.one_hot(indices, outputs.shape[1]).to(outputs.dtype)


def takes_indices(loss: Any, num_classes: int, device: torch.device) -> bool:
    """Find out by a try whether a loss takes indices (B,), or one-hot labels (B, K) only.

    One clip more than there are classes, so that indices do not pass for a row of shares.

    Raises:
        InputError: when it takes neither.
    """
    outputs = torch.linspace(-1, 1, (num_classes + 1) * num_classes, device=device)
    outputs = outputs.view(num_classes + 1, num_classes)
    indices = torch.arange(num_classes + 1, device=device) % num_classes
    one_hot = F.one_hot(indices, num_classes).to(outputs.dtype)
    reason = ""
    with torch.no_grad(), warnings.catch_warnings():
        # Of shapes that are broadcast.
        warnings.simplefilter("ignore")
        for labels in (indices, one_hot):
            try:
                loss(outputs, labels)
            except Exception as error:
                # It is somebody else's code, and was only asked whether it works.
                reason = first_line(error)
            else:
                return labels is indices
    name = type(loss).__name__ if isinstance(loss, nn.Module) else shown(loss)
    raise InputError(f"the loss {name} takes neither indices nor one-hot labels: {reason}")
