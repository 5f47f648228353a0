"""The step size of PGD: a sweep over budgets and steps, and the law it follows."""

from advvid.step_size.grid import DEFAULT_BUDGETS, DEFAULT_RATIOS
from advvid.step_size.surface import BestStep, StepSizeSurface
from advvid.step_size.sweep import sweep_step_size

__all__ = [
    "DEFAULT_BUDGETS",
    "DEFAULT_RATIOS",
    "BestStep",
    "StepSizeSurface",
    "sweep_step_size",
]
