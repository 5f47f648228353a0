"""A setting, written once: its type and default in the code, its meaning and range beside them.

A setting is an annotated attribute of a class, or parameter of a function:

    ratio: Annotated[float, Setting("share of the frame", above=0, at_most=1)] = 0.15

The text form, the options and help of the command line, `attack_params`, config.json, the listings
and the tables of docs/ are all read from it.
"""

import inspect
import math
import numbers
import types
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass
from functools import cache
from operator import ge, gt, le, lt
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from advvid.errors import InputError
from advvid.methods.kinds import came, is_of, spelled

_LIMITS: dict[str, Callable[[Any, Any], bool]] = {
    "above": gt,
    "at_least": ge,
    "below": lt,
    "at_most": le,
}
_MOST = 2**63


@dataclass(frozen=True)
class Setting:
    """What a setting means, and which values it may have.

    Args:
        help: one line, without a capital or a full stop.
        unit: such as "1/255" or "pixels"; "" where there is none.
        above: smallest value, itself excluded.
        at_least: smallest value.
        below: largest value, itself excluded.
        at_most: largest value.
        choices: words that are allowed; None allows all. Functions are passed through.
        verify: a check of its own, in place of the range; raises an InputError.
        read: turns text into the value where the type does not say how; raises a ValueError.
        spell: turns a value into text that `read` reads.
    """

    help: str
    unit: str = ""
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    choices: tuple[str, ...] | None = None
    verify: Callable[[Any], object] | None = None
    read: Callable[[str], Any] | None = None
    spell: Callable[[Any], str] | None = None

    @property
    def range(self) -> str:
        """Spell the range, such as "above 0 and at most 1"; "" where there is none."""
        return " and ".join(f"{n.replace('_', ' ')} {limit:g}" for n, limit in self._limits.items())

    def holds(self, value: numbers.Real) -> bool:
        """Tell whether a finite number lies in the range."""
        return all(_LIMITS[name](value, limit) for name, limit in self._limits.items())

    @property
    def _limits(self) -> dict[str, float]:
        limits = {name: getattr(self, name) for name in _LIMITS}
        return {name: limit for name, limit in limits.items() if limit is not None}


@dataclass(frozen=True)
class NamedSetting:
    """A setting where it stands: its name, type and default.

    Args:
        name: of the attribute or parameter.
        type: without the annotation; may be a union.
        default: MISSING where it has to be given.
        about: meaning and range.
    """

    name: str
    type: Any
    default: Any
    about: Setting

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The types that a value may have."""
        union = get_origin(self.type) in (Union, types.UnionType)
        return get_args(self.type) if union else (self.type,)

    @property
    def choices(self) -> tuple[str, ...] | None:
        """The words that are allowed, or None for all."""
        for kind in self.kinds:
            if get_origin(kind) is Literal:
                return get_args(kind)
        return self.about.choices

    @property
    def beside_choices(self) -> tuple[Any, ...]:
        """The types of numbers that are allowed beside the words of `choices`."""
        plain = [kind for kind in self.kinds if kind in (int, float) or get_origin(kind) is tuple]
        return () if self.choices is None else tuple(plain)

    def parameter(self, kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD) -> inspect.Parameter:
        """The setting as a parameter of a function, for signatures that help shows."""
        default = inspect.Parameter.empty if self.default is MISSING else self.default
        return inspect.Parameter(self.name, kind, default=default, annotation=self.type)

    def check(self, value: Any) -> None:
        """Refuse a value of another type or out of range.

        Raises:
            InputError: naming the setting, what was wanted and what came.
        """
        if value is None and type(None) in self.kinds:
            return
        # Before a check of its own: that may turn it into a float, which has an end.
        too_large = isinstance(value, int) and not _is_usable(value)
        if too_large or not any(is_of(value, kind) for kind in self.kinds):
            raise self._refused(value)
        if self.about.verify is not None:
            self.about.verify(value)
            return
        if isinstance(value, str) and self.choices is not None and value not in self.choices:
            raise self._refused(value)
        for number in value if isinstance(value, tuple | list) else (value,):
            if isinstance(number, bool) or not isinstance(number, numbers.Real):
                continue
            if not (_is_usable(number) and self.about.holds(number)):
                raise self._refused(value)

    def _refused(self, value: Any) -> InputError:
        return InputError(
            f"{self.name} must be {self._wanted()}; got {came(value)}", settings=(self.name,)
        )

    def _wanted(self) -> str:
        """Spell what a value has to be."""
        if self.choices is None:
            return self._of_kinds([kind for kind in self.kinds if kind is not type(None)])
        others = [self._of_kinds(self.beside_choices)] if self.beside_choices else []
        return " or ".join([f"one of {', '.join(self.choices)}", *others])

    def _of_kinds(self, kinds: Sequence[Any]) -> str:
        limits = self.about.range
        if int in kinds and float not in kinds:
            return f"a whole number{f' of {limits}' if limits else ''}"
        if float in kinds:
            return limits if limits else "a finite number"
        if bool in kinds:
            return "True or False"
        return " or ".join(map(spelled, kinds)) + (f", each {limits}" if limits else "")


def settings_of(method: Any) -> dict[str, NamedSetting]:
    """Collect the settings of a class or a function, in the order in which they are declared.

    Those of parent classes come first; a subclass may give one another default or meaning.
    """
    return _collected(method)


@cache
def _collected(method: Any) -> dict[str, NamedSetting]:
    found = {}
    for name, hint in get_type_hints(method, include_extras=True).items():
        about = next((a for a in getattr(hint, "__metadata__", ()) if isinstance(a, Setting)), None)
        if about is not None:
            found[name] = NamedSetting(name, get_args(hint)[0], _default(method, name), about)
    return found


def check_settings(method: Any) -> None:
    """Check every setting of an object, and the type of every other field of a dataclass.

    Raises:
        InputError: naming the first that cannot be.
    """
    kind: Any = type(method)
    for name, setting in {**settings_of(kind), **_plain_fields(kind)}.items():
        setting.check(getattr(method, name))


@cache
def _plain_fields(kind: Any) -> dict[str, NamedSetting]:
    """Collect the arguments of a dataclass that are no settings: they have a type only."""
    hints, settings = get_type_hints(kind), settings_of(kind)
    arguments = [one for one in getattr(kind, "__dataclass_fields__", {}).values() if one.init]
    return {
        one.name: NamedSetting(one.name, hints[one.name], one.default, Setting(""))
        for one in arguments
        if one.name in hints and one.name not in settings
    }


def check_setting(name: str, value: Any, annotation: Any) -> None:
    """Check one value against an annotated type, in functions that take single settings.

    Raises:
        InputError: naming the setting.
    """
    kind, about = get_args(annotation)
    NamedSetting(name, kind, MISSING, about).check(value)


def _is_usable(number: Any) -> bool:
    """Tell whether a number is finite, and no whole number that nothing can count to."""
    return -_MOST < number < _MOST if isinstance(number, int) else math.isfinite(number)


def _default(method: Any, name: str) -> Any:
    if isinstance(method, type):
        declared = getattr(method, "__dataclass_fields__", {}).get(name)
        if declared is not None and declared.default_factory is not MISSING:
            return declared.default_factory()
        return getattr(method, name, MISSING)
    default = inspect.signature(method).parameters[name].default
    return MISSING if default is inspect.Parameter.empty else default
