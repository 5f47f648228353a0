"""Lists of numbers on the command line."""

import math
from dataclasses import dataclass

from advvid.errors import InputError


def read_numbers(text: str, option: str) -> list[float]:
    """Read "1,2,4.5".

    Raises:
        InputError: naming the option and what is not a number.
    """
    numbers = []
    for part in text.split(","):
        try:
            number = float(part)
            if not math.isfinite(number):
                raise ValueError
            numbers.append(number)
        except ValueError as error:
            raise InputError(
                f"{option} takes numbers with commas between them, such as 1,2,4; got {part!r}"
            ) from error
    return numbers


def read_budgets(text: str, option: str = "--eps", *, zero: bool = False) -> list[float]:
    """Read budgets in 1/255 into fractions of the pixel range.

    Args:
        text: numbers with commas between them.
        option: its name, for the message.
        zero: whether 0 is allowed.

    Raises:
        InputError: when one is not above 0 (or at least 0) and at most 255.
    """
    budgets = read_numbers(text, option)
    for budget in budgets:
        if not 0 <= budget <= 255 or (budget == 0 and not zero):
            least = "from 0" if zero else "above 0"
            raise InputError(
                f"{option} takes budgets in 1/255, {least} and at most 255; got {budget:g}"
            )
    return [budget / 255 for budget in budgets]


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
            f"(0.1x,0.5x,1x), not both; got {text}"
        )
    numbers = read_numbers(",".join(part.removesuffix("x") for part in parts), option)
    if not min(numbers) > 0:
        raise InputError(f"{option} takes step sizes above 0; got {min(numbers):g}")
    if all(relative):
        return StepSizes(ratios=numbers)
    return StepSizes(absolute=[number / 255 for number in numbers])
