"""Budgets of defenses: one, one that changes, or several; fractions in Python, 1/255 in text."""

import re

from advvid.checks import check_budget
from advvid.defenses.core.schedules import Schedule, as_schedule, read_schedule
from advvid.errors import InputError, shown
from advvid.methods.arguments import checked
from advvid.methods.text import note_small_budget

# A number or a schedule up to the next mark, and whether it is a quotient.
_PARTS = re.compile(r"(?:^|[/,])([^/,]*)(/255(?=[/,]|$))?")
Budgets = float | Schedule | tuple[float, ...]
"""One budget, one that changes, or several to choose from; fractions of the pixel range."""


def check_budgets(eps: Budgets) -> None:
    """Refuse budgets outside of [0, 1].

    Raises:
        InputError: naming the budget.
    """
    if isinstance(eps, tuple | list):
        values = tuple(eps)
        if len(set(values)) < len(values):
            raise InputError(
                f"a budget is given twice: {spell_budgets(values)} (of 255); give each once"
            )
    else:
        if not isinstance(eps, Schedule) and eps != 0:
            check_budget(eps)
        values = as_schedule(eps).values
    for value in values:
        if value != 0:
            check_budget(value)
    # A curriculum may begin as small as it likes.
    for value in values if isinstance(eps, tuple | list) else (max(values),):
        note_small_budget(value)


def one_budget(eps: Budgets) -> Schedule:
    """Insist on one budget in [0, 1], which may change.

    Raises:
        InputError: when there are several, or one out of range.
    """
    if isinstance(eps, tuple | list) and len(eps) != 1:
        raise InputError(
            f"one budget is wanted, not {len(eps)}: use aat with one attack for several"
        )
    check_budgets(eps)
    check_some_attack(eps)
    return as_schedule(eps[0] if isinstance(eps, tuple | list) else eps)


def check_some_attack(eps: Budgets) -> None:
    """Refuse budgets of 0 alone: nothing would be attacked.

    Raises:
        InputError: saying what to do.
    """
    if not any(eps if isinstance(eps, tuple | list) else as_schedule(eps).values):
        raise InputError(
            "eps 0 attacks nothing, which is plain training: train without a defense (none), or "
            "give a budget above 0"
        )


@checked
def read_budgets(text: str) -> Schedule | tuple[float, ...]:
    """Read budgets in 1/255: "8", "linear:0:12" (see `read_schedule`), "0/4/8" or "0,4,8".

    Quotients are read too: "8/255", or several, "0/4/255/8/255".

    Raises:
        InputError: when it is none of these, or out of range.
    """
    found = _PARTS.findall(text)
    quotients = [bool(over) for _, over in found]
    if any(quotients) and not all(
        q or number.strip() == "0" for q, (number, _) in zip(quotients, found, strict=True)
    ):
        raise InputError(
            f"budgets are all in 1/255 (4/8) or all quotients (4/255/8/255); got {shown(text)}"
        )
    read = [read_schedule(number) for number, _ in found or [("", "")]]
    if len(read) > 1 and any(one.kind != "constant" for one in read):
        raise InputError(f"a schedule cannot be one of several budgets; got {shown(text)}")
    for value in (value for one in read for value in one.values):
        if not 0 <= value <= 255:
            raise InputError(f"budgets are in 1/255, from 0 to 255; got {value:g}")
    if len(read) == 1:
        return read[0].scaled(1 / 255)
    return tuple(one.values[0] / 255 for one in read)


@checked
def read_budget(text: str) -> float:
    """Read one budget in 1/255 that does not change.

    Raises:
        InputError: when it is something else.
    """
    budget = one_budget(read_budgets(text))
    if budget.kind != "constant":
        raise InputError(
            f"this budget does not change: give one number in 1/255; got {shown(text)}"
        )
    return budget.values[0]


def spell_budgets(eps: Budgets) -> str:
    """Format budgets in 1/255 as `read_budgets` reads them."""
    if isinstance(eps, tuple | list):
        return "/".join(f"{255 * value:.9g}" for value in eps)
    return str(as_schedule(eps).scaled(255))
