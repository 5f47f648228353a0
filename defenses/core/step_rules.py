"""The step size of training attacks: a law of the budget, or numbers that change."""

from pathlib import Path

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.defenses.core.schedules import Schedule, read_schedule
from advvid.errors import InputError, shown
from advvid.methods.text import read_ascii_float

StepRule = StepSizeLaw | Schedule
"""The step as a law of the budget, or as a schedule of numbers, fractions of the pixel range."""

EQUAL_TO_BUDGET = StepSizeLaw(1.0, 0.0, source="step = eps")
"""alpha = eps, which gave the better defense in Kinfu and Vidal 2022, Table 1."""


def half(law: StepSizeLaw) -> StepSizeLaw:
    """Give half the steps of a law (alpha = alpha_opt / 2; Kinfu and Vidal 2022, Table 1)."""
    return StepSizeLaw(law.slope / 2, law.intercept / 2, source=f"half of {law}")


_LAWS = {"optimal": PAPER_LAW, "half": half(PAPER_LAW), "eps": EQUAL_TO_BUDGET}


def step_size(
    rule: StepRule, eps: float, progress: tuple[int, int, int, int]
) -> float | StepSizeLaw:
    """Give the step size that is in force: the law itself, or the number of a schedule.

    Args:
        rule: see `StepRule`.
        eps: budget that is in force; a number is at least a hundredth of it, as the steps of laws.
        progress: see `Schedule.at`.
    """
    return max(rule.at(*progress), 0.01 * eps) if isinstance(rule, Schedule) else rule


def spell_step_rule(rule: StepRule) -> str:
    """Format a rule as `read_step_rule` reads it; a law that is only in a file in its own words."""
    if isinstance(rule, Schedule):
        return str(rule.scaled(255))
    for text, law in _LAWS.items():
        if (rule.slope, rule.intercept) == (law.slope, law.intercept):
            return text
    if rule.intercept == 0:
        return f"{rule.slope:.9g}x"
    return f"{rule.intercept:.9g}" if rule.slope == 0 else str(rule)


def read_step_rule(text: str) -> StepRule:
    """Read a rule: optimal, half, eps, 1.25x, a number in 1/255, FILE.json, half:FILE.json.

    Args:
        text: "optimal" is the paper's law; a file is the law of your own model, as saved by
            `advvid sweep-step-size --law`. A schedule of numbers in 1/255 is read as by
            `read_schedule`.

    Raises:
        InputError: when it is none of these.
    """
    if text in _LAWS:
        return _LAWS[text]
    if text.partition(":")[0] in ("linear", "cosine", "list"):
        return read_schedule(text).scaled(1 / 255)
    if text.startswith("half:"):
        return half(StepSizeLaw.load(text.removeprefix("half:")))
    if text.endswith(".json") or Path(text).is_file():
        return StepSizeLaw.load(text)
    try:
        number = read_ascii_float(text.removesuffix("x"))
    except ValueError as error:
        raise InputError(
            f"unknown step rule {shown(text)}: give optimal, half, eps, a multiple of the budget "
            "(1.25x), a step in 1/255, or the file of a law"
        ) from error
    if not 0 < number < float("inf"):
        raise InputError(f"a step rule needs a step above 0; got {shown(text)}")
    return StepSizeLaw(number, 0.0) if text.endswith("x") else StepSizeLaw(0.0, number)
