"""Budgets and step sizes of a sweep, as they were asked for."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt
from torch import Tensor

from advvid.checks import check_budget
from advvid.errors import InputError, shown
from advvid.methods import Setting
from advvid.methods.text import note_small_budget

DEFAULT_BUDGETS = tuple(e / 255 for e in (1, 2, 3, 4, 6, 8, 12))
"""The range of Kinfu and Vidal 2022, Fig. 2; multiples of each other, so that runs coincide."""

DEFAULT_RATIOS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)
"""Step sizes as multiples of the budget."""

Refine = Annotated[
    int, Setting("further step sizes around the best of each budget", at_least=0, at_most=100)
]
Numbers = float | Sequence[float]
"""One number, or several; arrays and tensors of one axis are as good as lists."""


def read_grid(
    eps: Numbers, step_sizes: Numbers | None, step_ratios: Numbers | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Check budgets and step sizes; give them rising and each once, as (E,) and (E, A).

    Args:
        eps: budgets, fractions of the pixel range.
        step_sizes: the same for every budget, fractions of the pixel range.
        step_ratios: multiples of each budget; `DEFAULT_RATIOS` where both are None.

    Raises:
        InputError: naming what is no number, out of range, or given in both ways.
    """
    if step_sizes is not None and step_ratios is not None:
        raise InputError("give step_sizes (absolute) or step_ratios (multiples of eps), not both")
    budgets = _numbers("eps", eps)
    if len(budgets) == 0:
        raise InputError("the sweep needs at least one budget; got none")
    for budget in budgets:
        check_budget(float(budget))
        note_small_budget(float(budget))
    given = step_sizes if step_sizes is not None else step_ratios
    name = "step_ratios" if step_sizes is None else "step_sizes"
    choices = _numbers(name, DEFAULT_RATIOS if given is None else given)
    if len(choices) == 0 or not (np.isfinite(choices).all() and choices[0] > 0):
        raise InputError(f"{name} must be finite and above 0; got {shown(given)}")
    scale = np.ones_like(budgets) if step_sizes is not None else budgets
    return budgets, scale[:, None] * choices


def _numbers(name: str, given: object) -> npt.NDArray[np.float64]:
    """Take one number or several; give them rising, each once."""
    if isinstance(given, Tensor):
        given = given.detach().cpu().numpy()
    try:
        values = np.atleast_1d(np.asarray(given))
    except (ValueError, TypeError, OverflowError):  # rows of different lengths, odd objects
        values = np.array(["?"])
    # Whole numbers and floats; no flags, texts, complex numbers or objects, and no table.
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iuf"):
        raise InputError(
            f"{name} must be a number or a list of numbers; got {shown(given)}", settings=(name,)
        )
    return np.unique(values.astype(np.float64))
