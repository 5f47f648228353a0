"""Checks of what callers hand in: one line each, what came, what was wanted, what to do."""

import math
import numbers
import warnings

import torch
from torch import Tensor

from advvid.errors import InputError, shown


def check_clips(clips: Tensor, *, input_shape: tuple[int, ...] | None = None) -> None:
    """Refuse anything but float clips (B, 3, T, H, W) with finite values in [0, 1].

    Args:
        clips: what the caller handed in.
        input_shape: (C, T, H, W) that the model insists on, where it does.

    Raises:
        InputError: naming the shape, type or range that came.
    """
    check_clip_shape(clips, input_shape=input_shape)
    if clips.numel() == 0:
        raise InputError(f"clips are empty: got shape {tuple(clips.shape)}; hand in at least one")
    low, high = (float(v) for v in torch.aminmax(clips))
    if math.isnan(low) or math.isinf(low) or math.isinf(high):
        bad = int((~torch.isfinite(clips)).sum())
        raise InputError(f"clips must be finite; got {bad} values that are NaN or infinite")
    if low < 0 or high > 1:
        raise InputError(
            f"clips must lie in [0, 1]; got values from {low:.4g} to {high:.4g}"
            f"{': divide by 255' if low >= 0 and high > 2 else ''}"
        )


def check_clip_shape(clips: Tensor, *, input_shape: tuple[int, ...] | None = None) -> None:
    """Refuse a wrong number of axes, a wrong order of axes, or integers.

    Raises:
        InputError: naming the shape or type that came.
    """
    shape = tuple(clips.shape)
    if not clips.is_floating_point():
        raise InputError(
            f"clips must be floating point in [0, 1]; got {clips.dtype}: convert with "
            "clips.float() / 255"
        )
    if clips.ndim != 5:
        hint = ": add a batch axis in front" if clips.ndim == 4 else ""
        raise InputError(f"clips must be (B, 3, T, H, W) in [0, 1]; got {shape}{hint}")
    if shape[1] != 3 and (input_shape is None or input_shape[0] == 3):
        hint = ""
        if shape[2] == 3:
            hint = ": move channels before time (clips.transpose(1, 2))"
        elif shape[4] == 3:
            hint = ": channels are last, use VideoClassifier(..., layout='NTHWC') or permute"
        raise InputError(f"clips must be (B, 3, T, H, W) in [0, 1]; got {shape}{hint}")
    if input_shape is not None and shape[1:] != tuple(input_shape):
        raise InputError(
            f"the classifier takes clips of shape (B, {', '.join(map(str, input_shape))}); "
            f"got {shape}: resize or resample the clips, or build the classifier for that shape"
        )


def check_labels(labels: Tensor, count: int, num_classes: int) -> None:
    """Refuse labels that are not int64 (B,) in 0..K-1.

    Raises:
        InputError: naming what came.
    """
    check_label_form(labels, count)
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise InputError(
            f"labels must be class indices from 0 to {num_classes - 1}; got {low} to {high}"
        )


def check_label_form(labels: Tensor, count: int) -> None:
    """Refuse labels that are not integers (B,); their values are not looked at.

    Raises:
        InputError: naming what came.
    """
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise InputError(
            f"labels must be integers (B,); got {labels.dtype} {tuple(labels.shape)}: "
            "hand in class indices"
        )
    if tuple(labels.shape) != (count,):
        raise InputError(f"labels must be ({count},), one a clip; got {tuple(labels.shape)}")


def check_budget(eps: float | Tensor) -> None:
    """Refuse a budget outside (0, 1].

    Raises:
        InputError: with the hint that budgets of the API are fractions.
    """
    low, high = (float(eps.min()), float(eps.max())) if isinstance(eps, Tensor) else (eps, eps)
    if not low > 0:
        raise InputError(
            f"eps must be above 0; got {low:g}: an attack needs a budget, such as 8 / 255"
        )
    if high > 1:
        raise InputError(
            f"eps must be at most 1; got {high:g}: budgets are fractions of the pixel range, "
            f"write {high:g} / 255"
        )


def note_small_budget(eps: float) -> None:
    """Warn of a budget below half a gray level: 1/255 was probably taken of it twice.

    Args:
        eps: a fraction of the pixel range; 0 is no attack, and no mistake.
    """
    levels = 255 * eps
    if 0 < levels < 0.5:
        warnings.warn(
            f"eps is {levels:.3g}/255, less than half a gray level, so that nothing of it is left "
            f"in 8 bits; for {levels:.3g} of the pixel range write {255 * levels:.4g}/255",
            stacklevel=2,
        )


def check_count(name: str, value: int) -> None:
    """Refuse anything but a whole number of at least 1.

    Raises:
        InputError: naming the setting and what came.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise InputError(
            f"{name} must be a whole number of at least 1; got {shown(value)}", settings=(name,)
        )
