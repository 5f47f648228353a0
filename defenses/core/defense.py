"""A defense with all its settings, and the options that several defenses share."""

from dataclasses import dataclass

from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.core.schedules import Schedule, as_schedule
from advvid.errors import InputError
from advvid.training.step import TrainStep

Budgets = Schedule | tuple[float, ...]
"""One budget that may change, or several to choose from; fractions of the pixel range."""

EPS_8, EPS_12 = as_schedule(8 / 255), as_schedule(12 / 255)
FIVE_STEPS = as_schedule(5)
"""Attack steps of Kinfu and Vidal's code."""


@dataclass(frozen=True)
class Defense:
    """What `advvid.training.train` needs to train by a defense.

    Args:
        step: what each step trains on.
        data: clips that are left to train on.
        eps: largest budget that is trained with.
    """

    step: TrainStep
    data: ClipDataset
    eps: float


def one_budget(eps: Budgets) -> Schedule:
    """Insist on one budget, which may change.

    Raises:
        InputError: when there are several.
    """
    if isinstance(eps, Schedule):
        return eps
    if len(eps) != 1:
        raise InputError(f"this defense takes one budget, not {len(eps)}: use aat for several")
    return as_schedule(eps[0])
