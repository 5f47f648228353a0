"""The step size of training attacks as a rule of the budget."""

from pathlib import Path

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.errors import InputError

EQUAL_TO_BUDGET = StepSizeLaw(1.0, 0.0, source="step = eps")
"""alpha = eps, which gave the better defense in Kinfu and Vidal 2022, Table 1."""


def half(law: StepSizeLaw) -> StepSizeLaw:
    """Give half the steps of a law (alpha = alpha_opt / 2; Kinfu and Vidal 2022, Table 1)."""
    return StepSizeLaw(law.slope / 2, law.intercept / 2, source=f"half of {law}")


def read_step_rule(text: str) -> StepSizeLaw:
    """Read a rule: optimal, half, eps, 1.25x, a number in 1/255, FILE.json, half:FILE.json.

    Args:
        text: "optimal" is the paper's law; a file is the law of your own model, as saved by
            `advvid sweep-step-size --law`.

    Raises:
        InputError: when it is none of these.
    """
    if text == "optimal":
        return PAPER_LAW
    if text == "half":
        return half(PAPER_LAW)
    if text == "eps":
        return EQUAL_TO_BUDGET
    if text.startswith("half:"):
        return half(StepSizeLaw.load(text.removeprefix("half:")))
    if text.endswith(".json") or Path(text).is_file():
        return StepSizeLaw.load(text)
    try:
        number = float(text.removesuffix("x"))
    except ValueError as error:
        raise InputError(
            f"unknown step rule {text!r}: give optimal, half, eps, a multiple of the budget "
            "(1.25x), a step in 1/255, or the file of a law"
        ) from error
    if not 0 < number < float("inf"):
        raise InputError(f"a step rule needs a step above 0; got {text!r}")
    return StepSizeLaw(number, 0.0) if text.endswith("x") else StepSizeLaw(0.0, number)
