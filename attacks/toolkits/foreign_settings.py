"""Settings of other toolkits' attacks, found from the signatures of their classes."""

import inspect
import re
from collections.abc import Collection, Mapping
from typing import Any, get_args

from advvid.attacks.core.settings import PIXEL_RANGE, EpsStep
from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.attacks.toolkits.foreign_recipe import Recipe
from advvid.checks import check_budget
from advvid.methods import NamedSetting, Setting
from advvid.methods.text import read_fraction

_STEP = "eps_step"
# What ART calls eps_step is alpha elsewhere.
_STEP_NAMES = (_STEP, "alpha")


def foreign_settings(
    attack: type, hidden: Collection[str], recipe: Recipe
) -> dict[str, NamedSetting]:
    """Find the settings of a class that a text can hold.

    The default of an argument tells its type, or, where that is None, its annotation. `eps_step` is
    the step size of every attack that has one.

    Args:
        attack: class of another toolkit.
        hidden: arguments that are not the user's.
        recipe: how the attack is run.
    """
    settings: dict[str, NamedSetting] = {}
    for name, parameter in arguments_of(attack).items():
        kind = _kind(parameter)
        if name in _STEP_NAMES:
            settings[_STEP] = _step_setting(recipe)
        if name not in hidden and name != _STEP and kind is not None:
            default = recipe.defaults.get(name, parameter.default)
            settings[name] = NamedSetting(name, kind, default, _about(name, kind, recipe))
    return settings


def _step_setting(recipe: Recipe) -> NamedSetting:
    if recipe.step is None:
        kind, about = get_args(EpsStep)
        return NamedSetting(_STEP, kind, None, about)
    help_ = f"step size; not given, {recipe.step:.3g} of the budget"
    about = Setting(help_, PIXEL_RANGE, above=0, read=read_fraction)
    return NamedSetting(_STEP, float | None, None, about)


def _about(name: str, kind: Any, recipe: Recipe) -> Setting:
    if name == "eps":
        whole = recipe.norm == "Linf"
        return Setting(
            f"budget in {recipe.bound}",
            PIXEL_RANGE if whole else "",
            above=0,
            at_most=1 if whole else None,
            verify=check_budget if whole else None,
            read=read_fraction,
        )
    return Setting("as its toolkit explains", read=read_number if kind == int | float else None)


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
        given: settings of the user; a step size among them is
            taken as it is, a law where the recipe has no step of its own.

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


def _kind(parameter: inspect.Parameter) -> Any:
    """Tell the type of an argument, None where no text can hold it; numbers may be fractions."""
    default = parameter.default
    words = re.findall(r"\w+", str(parameter.annotation)) if default is None else ()
    for kind, given in ((bool, bool), (int, int | float), (float, int | float), (str, str)):
        if isinstance(default, kind) or kind.__name__ in words:
            return given
    return None
