"""Settings of other toolkits' attacks, found from the signatures of their classes."""

import inspect
import re
from collections.abc import Collection, Mapping
from typing import Any

from advvid.attacks.core.setting_text import Reader, read_flag, read_fraction, read_step
from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.attacks.toolkits.foreign_recipe import Recipe

_STEP = "eps_step"
# What ART calls eps_step is alpha elsewhere.
_STEP_NAMES = (_STEP, "alpha")


def foreign_readers(attack: type, hidden: Collection[str], *, takes_law: bool) -> dict[str, Reader]:
    """Find the settings of a class that a text can hold, and how to read each.

    The default of an argument tells its type, or, where that is None, its annotation. `eps_step` is
    the step size of every attack that has one.

    Args:
        attack: class of another toolkit.
        hidden: arguments that are not the user's.
        takes_law: whether the file of a law is a step size.
    """
    readers: dict[str, Reader] = {}
    for name, parameter in arguments_of(attack).items():
        reader = _reader(parameter)
        if name in _STEP_NAMES:
            readers[_STEP] = read_step if takes_law else read_fraction
        if name not in hidden and name != _STEP and reader is not None:
            readers[name] = reader
    return readers


def arguments_of(attack: type) -> dict[str, inspect.Parameter]:
    """Give the arguments of a class, without the model."""
    _, _, *others = inspect.signature(attack.__init__).parameters.items()  # type: ignore[misc]
    return dict(others)


def read_number(text: str) -> int | float:
    """Read a whole number as such, anything else as a fraction."""
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else read_fraction(text)


def budget_settings(
    recipe: Recipe, parameters: Collection[str], eps: float | None, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Settle the budget and the step size that goes with it, for an attack that has them.

    Args:
        recipe: of the attack.
        parameters: names of the arguments of its class.
        eps: the budget in the norm of the recipe, or None for the toolkit's default.
        given: settings of the user; a step size among them wins, a law where the recipe has none.

    Returns:
        All of `given`, and what belongs to the budget.
    """
    settings = dict(given)
    step = settings.pop(_STEP, None)
    own = next((name for name in _STEP_NAMES if name in parameters), None)
    budget = eps if "eps" in parameters else None
    if budget is not None:
        settings["eps"] = budget
        if step is None or isinstance(step, StepSizeLaw):
            law = step or PAPER_LAW
            step = min(law(budget), budget) if recipe.step is None else recipe.step * budget
    if own is not None and not isinstance(step, StepSizeLaw | None):
        settings.setdefault(own, step)
    return settings


def _reader(parameter: inspect.Parameter) -> Reader | None:
    readers: tuple[tuple[type, Reader], ...] = (
        (bool, read_flag),
        (int, read_number),
        (float, read_fraction),
        (str, str),
    )
    default = parameter.default
    words = re.findall(r"\w+", str(parameter.annotation)) if default is None else ()
    for kind, reader in readers:
        if isinstance(default, kind) or kind.__name__ in words:
            return reader
    return None
