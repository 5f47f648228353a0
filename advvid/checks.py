"""Checks of what callers hand in: one line each, what came, what was wanted, what to do."""

import math
import numbers
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.errors import InputError, shown

_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_MOST_WORKERS = 1024
_MOST = 2**31 - 1
"""Most of anything that is counted; more would never end."""


def check_array(name: str, given: Any) -> None:
    """Refuse anything but an array or a dense tensor of numbers.

    Raises:
        InputError: naming what came, and what to do.
    """
    if isinstance(given, np.ndarray):
        if given.dtype.kind not in "biufc":
            raise InputError(f"{name} must hold numbers; got an array of {given.dtype}")
        return
    if not isinstance(given, Tensor):
        listed = isinstance(given, list | tuple) and len(given) > 0
        hint = ": make one with torch.stack or torch.tensor" if listed else ""
        kind = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
        raise InputError(f"{name} must be an array or a tensor; got {kind}{hint}")
    if given.layout != torch.strided or given.device.type == "meta":
        kind = "meta" if given.device.type == "meta" else str(given.layout)
        raise InputError(f"{name} must be a dense tensor that holds values; got a {kind} tensor")


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
    check_array("clips", clips)
    shape = tuple(clips.shape)
    if not clips.is_floating_point():
        hint = ": convert with clips.float() / 255" if clips.dtype == torch.uint8 else ""
        raise InputError(f"clips must be floating point in [0, 1]; got {clips.dtype}{hint}")
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
    if count == 0:
        raise InputError("labels are empty: hand in at least one")
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
    check_array("labels", labels)
    if labels.dtype not in _WHOLE:
        raise InputError(
            f"labels must be integers (B,); got {labels.dtype} {tuple(labels.shape)}: "
            "hand in class indices"
        )
    if labels.ndim != 1 or len(labels) != count:
        raise InputError(f"labels must be ({count},), one a clip; got {tuple(labels.shape)}")


def check_logits(logits: Tensor) -> None:
    """Refuse logits (B, K) of which one is NaN or infinite: such a clip has no answer.

    Raises:
        InputError: saying for how many clips.
    """
    finite = torch.isfinite(logits)
    if not bool(finite.all()):
        bad = int((~finite).any(dim=1).sum())
        raise InputError(
            f"the model gives NaN or infinite logits for {bad} of {len(logits)} clips, which are "
            "no answers: look for divisions, logarithms and overflow in the model, or compute it "
            "in float32"
        )


def check_budget(eps: float | Tensor | npt.NDArray[Any]) -> None:
    """Refuse a budget, or any of several, outside (0, 1].

    Raises:
        InputError: with the hint that budgets of the API are fractions.
    """
    if not _is_real(eps):
        kind = shown(eps) if isinstance(eps, str) else type(eps).__name__
        raise InputError(f"eps must be a number above 0 and at most 1, such as 8 / 255; got {kind}")
    low = high = eps
    if isinstance(eps, Tensor | np.ndarray):
        low, high = eps.min().item(), eps.max().item()
    if not low > 0:
        raise InputError(
            f"eps must be above 0; got {shown(float(low))}: an attack needs a budget, such as "
            "8 / 255"
        )
    if high > 1:
        number = shown(high)
        hint = f", write {number} / 255" if high <= 255 else ""
        raise InputError(
            f"eps must be at most 1; got {number}: budgets are fractions of the pixel range{hint}"
        )


def as_budgets(eps: Any) -> list[float]:
    """Give budgets as a list; one number is one budget, and 0 stands for no attack.

    Args:
        eps: a number, or several, perhaps none, as a list, an array or a tensor (E,); each from 0
            to 1.

    Raises:
        InputError: for anything else, naming it.
    """
    several = list(eps) if np.ndim(eps) == 1 else [eps]
    for budget in several:
        if not (_is_real(budget) and budget == 0):
            check_budget(budget)
    return [float(budget) for budget in several]


def _is_real(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.size > 0 and value.dtype.kind == "f"
    if isinstance(value, Tensor):
        return value.numel() > 0 and value.is_floating_point() and value.device.type != "meta"
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_count(name: str, value: int) -> None:
    """Refuse anything but a whole number of at least 1.

    Raises:
        InputError: naming the setting and what came.
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not 1 <= value <= _MOST:
        limit = f" and at most {_MOST}" if whole and value > _MOST else ""
        raise InputError(
            f"{name} must be a whole number of at least 1{limit}; got {shown(value)}",
            settings=(name,),
        )


def check_workers(workers: int) -> None:
    """Refuse what is no number of processes that read clips.

    Raises:
        InputError: naming what came.
    """
    if not 0 <= workers <= _MOST_WORKERS:
        raise InputError(
            f"workers must be from 0 to {_MOST_WORKERS}, 0 for none; got {shown(workers)}",
            settings=("workers",),
        )


def check_seed(seed: int) -> None:
    """Refuse what is no whole number from 0 on.

    Raises:
        InputError: naming what came.
    """
    whole = isinstance(seed, numbers.Integral) and not isinstance(seed, bool)
    if not whole or seed < 0:
        raise InputError(
            f"seed must be a whole number of at least 0; got {shown(seed)}", settings=("seed",)
        )
