"""Lists of numbers on the command line."""

import math
from dataclasses import dataclass

from advvid.errors import InputError, shown
from advvid.methods.text import note_small_budget, read_ascii_float, read_levels


def read_numbers(text: str, option: str) -> list[float]:
    """Read "1,2,4.5".

    Raises:
        InputError: naming the option and what is not a number.
    """
    numbers = []
    for part in text.split(","):
        try:
            number = read_ascii_float(part)
            if not math.isfinite(number):
                raise ValueError
            numbers.append(number)
        except ValueError as error:
            raise InputError(
                f"{option} takes numbers with commas between them, such as 1,2,4; got {shown(part)}"
            ) from error
    return numbers


def read_budgets(text: str, option: str = "--eps", *, zero: bool = False) -> list[float]:
    """Read budgets into fractions of the pixel range: "4,8" in 1/255, or "4/255,8/255".

    A budget below half of 1/255 is noted: it was probably meant as a fraction.

    Args:
        text: numbers or quotients with commas between them.
        option: its name, for the message.
        zero: whether 0 is allowed.

    Raises:
        InputError: when one is not above 0 (or at least 0) and at most 255.
    """
    return [_read_budget(part, text, option, zero=zero) for part in text.split(",")]


def read_budget(text: str, option: str = "--eps", *, zero: bool = False) -> float:
    """Read one budget; as `read_budgets`.

    Raises:
        InputError: when there is more than one, too.
    """
    budgets = read_budgets(text, option, zero=zero)
    if len(budgets) != 1:
        raise InputError(f"{option} takes one budget; got {shown(text)}")
    return budgets[0]


def _read_budget(part: str, text: str, option: str, *, zero: bool) -> float:
    try:
        eps = read_levels(part)
    except ValueError as error:
        several = f" in {shown(text)}" if part != text else ""
        raise InputError(
            f"{option} takes budgets in 1/255, such as 8, or as quotients, such as 8/255, with "
            f"commas between several; got {shown(part)}{several}"
        ) from error
    if not 0 <= eps <= 1 or (eps == 0 and not zero):
        least = "from 0" if zero else "above 0"
        raise InputError(
            f"{option} takes budgets in 1/255, {least} and at most 255; got {shown(part)}"
        )
    note_small_budget(eps)
    return eps


@dataclass(frozen=True)
class StepSizes:
    """Step sizes of one of two kinds; the other is None.

    Args:
        absolute: fractions of the pixel range.
        ratios: multiples of the budget.
    """

    absolute: list[float] | None = None
    ratios: list[float] | None = None


def read_step_sizes(text: str, option: str = "--alphas") -> StepSizes:
    """Read step sizes: "0.5,1,2" in 1/255, or "0.1x,0.25x,1x" as multiples of the budget.

    Raises:
        InputError: when the two kinds are mixed, or one is not above 0.
    """
    parts = [part.strip() for part in text.split(",")]
    relative = [part.endswith("x") for part in parts]
    if any(relative) and not all(relative):
        raise InputError(
            f"{option} takes absolute step sizes (0.5,1,2) or multiples of the budget "
            f"(0.1x,0.5x,1x), not both; got {shown(text)}"
        )
    numbers = read_numbers(",".join(part.removesuffix("x") for part in parts), option)
    if not min(numbers) > 0:
        raise InputError(f"{option} takes step sizes above 0; got {min(numbers):g}")
    if all(relative):
        return StepSizes(ratios=numbers)
    return StepSizes(absolute=[number / 255 for number in numbers])
