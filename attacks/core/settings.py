"""Settings that several attacks share, each with its range and its line of help."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor

from advvid.attacks.core.losses import LOSSES, Loss
from advvid.attacks.core.step_law import StepSizeLaw, check_step
from advvid.checks import check_budget
from advvid.errors import InputError, shown
from advvid.estimator.clip_interface import Array
from advvid.methods import Setting
from advvid.methods.text import read_fraction

PIXEL_RANGE = "pixel range"
"""Unit of budgets and steps: 8/255 is 8 gray levels."""


def read_step(text: str) -> float | StepSizeLaw:
    """Read a step size: a fraction of the pixel range, a law, or the file of one."""
    if text.endswith(".json"):
        return StepSizeLaw.load(text)
    return StepSizeLaw.parse(text) or read_fraction(text)


def check_norm_budget(norm: str, eps: Any) -> None:
    """Refuse a budget that a norm cannot have: Linf asks for (0, 1], others for what is above 0.

    Raises:
        InputError: saying what came.
    """
    if norm == "Linf":
        check_budget(eps)
        return
    budgets = torch.as_tensor(eps)
    if not bool((budgets > 0).all()):
        raise InputError(f"eps must be above 0; got {shown(float(budgets.min()))}")
    if not bool(budgets.isfinite().all()):
        raise InputError(f"eps must be finite; got {shown(float(budgets.max()))}")


def check_default_budget(norm: str, default: str) -> None:
    """Refuse the default budget, which is one of the default norm, under another.

    Raises:
        InputError: saying what to give.
    """
    if norm != default:
        raise InputError(
            f"norm={norm} needs a budget of its own: give eps, the length in {norm} of the change "
            f"of a whole clip, such as eps={2 if norm == 'L2' else 20}",
            settings=("eps",),
        )


def checked_bound(bound: str, norm: str, settings: Mapping[str, Any]) -> str:
    """Say what is bounded, where settings choose another norm, or frames.

    Args:
        bound: in words, of the defaults.
        norm: the default.
        settings: those that are given; an `eps` among them is checked.

    Raises:
        InputError: when the norm cannot have that budget.
    """
    chosen = settings.get("norm", norm)
    if (eps := settings.get("eps")) is not None:
        check_norm_budget(chosen, eps)
    words = bound.replace(norm, chosen)
    in_frames = settings.get("frames") is not None and "frames" not in words
    return f"{words} in frames" if in_frames else words


def check_one_a_clip(eps: Any, count: int) -> None:
    """Refuse budgets that are neither one for all nor one for each clip."""
    shape = tuple(eps.shape) if isinstance(eps, Tensor | np.ndarray) else ()
    if shape not in ((), (count,)):
        raise InputError(
            f"eps must be one number or one for each of the {count} clips; got shape {shape}"
        )


def _check_some_budget(eps: Any) -> None:
    """Refuse what is a budget in no norm."""
    check_norm_budget("L2", eps)


NormName = Annotated[
    Literal["Linf", "L2", "L1"],
    Setting("what eps bounds: every pixel (Linf), or the change of the whole clip (L2, L1)"),
]
_NORM_BUDGET = (
    "budget: of every pixel, at most 1, in Linf; of the whole clip, summed over its pixels, in L2 "
    "and L1"
)
NormBudget = Annotated[
    float, Setting(_NORM_BUDGET, PIXEL_RANGE, above=0, verify=_check_some_budget)
]
ClipNormBudget = Annotated[
    float | Tensor | Array,
    Setting(
        f"{_NORM_BUDGET}; in Python also one for each clip",
        PIXEL_RANGE,
        above=0,
        verify=_check_some_budget,
    ),
]
Passes = Annotated[
    int,
    Setting(
        "passes of a random model that gradients and predictions are averaged over", at_least=1
    ),
]
Budget = Annotated[
    float,
    Setting("budget of every pixel", PIXEL_RANGE, above=0, at_most=1, verify=check_budget),
]
ClipBudget = Annotated[
    float | Tensor | Array,
    Setting(
        "budget of every pixel; in Python also one for each clip",
        PIXEL_RANGE,
        above=0,
        at_most=1,
        verify=check_budget,
    ),
]
EpsStep = Annotated[
    float | StepSizeLaw | None,
    Setting(
        "step size, a law such as 0.2*eps+0.2/255, or its file; not given, it is that law",
        PIXEL_RANGE,
        above=0,
        verify=check_step,
        read=read_step,
    ),
]
PartStep = Annotated[
    float | StepSizeLaw | None,
    Setting(
        "step size, a law such as 0.2*eps+0.2/255, or its file; not given, it falls from eps, at "
        "most 1/2, to 0",
        PIXEL_RANGE,
        above=0,
        verify=check_step,
        read=read_step,
    ),
]
Steps = Annotated[int, Setting("gradient steps", at_least=1)]
LossName = Annotated[
    str | Loss,
    Setting("what is maximized; in Python also a function", choices=tuple(LOSSES)),
]
Ratio = Annotated[float, Setting("share of the frame", above=0, at_most=1)]
Runs = Annotated[int, Setting("runs, each from a random start", at_least=1)]
Targets = Annotated[int, Setting("classes that are tried, the most likely first", at_least=1)]
Queries = Annotated[int, Setting("most forward passes of a clip", at_least=1)]
MostFrames = Annotated[
    int | None, Setting("most frames of a clip that may change; not given, all", at_least=1)
]
