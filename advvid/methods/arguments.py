"""Arguments of public functions, checked against their annotations before anything is done."""

import inspect
from collections.abc import Callable
from functools import cache, wraps
from inspect import Parameter
from typing import Any, TypeVar, Unpack, cast, get_args, get_origin, get_type_hints

from advvid.errors import InputError
from advvid.methods.kinds import came, is_of, spelled
from advvid.methods.setting import Setting, check_setting

Door = TypeVar("Door", bound=Callable[..., Any])


def checked(door: Door) -> Door:
    """Refuse arguments of another type than the annotations say, with one line that names them.

    Goes in front of a public function, or of a class for what builds its objects. Values are left
    as they are. Ranges are checked where the annotation is that of a `Setting`; the others are for
    the function to check.

    Raises:
        InputError: when called: naming the argument, what was wanted and what came.
    """
    if isinstance(door, type):
        door.__init__ = checked(door.__init__)  # type: ignore[misc]
        return door
    signature = inspect.signature(door)

    @wraps(door)
    def call(*args: Any, **kwargs: Any) -> Any:
        # What Python refuses (an argument too many) it refuses in its own words.
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            parameter = signature.parameters[name]
            if parameter.kind is Parameter.VAR_KEYWORD:
                for key, one in value.items():
                    check_argument(key, one, _hints(door)[1].get(key, Any))
            elif parameter.kind is not Parameter.VAR_POSITIONAL:
                check_argument(name, value, _hints(door)[0].get(name, Any))
        return door(*args, **kwargs)

    return cast(Door, call)


def check_argument(name: str, value: Any, kind: Any) -> None:
    """Refuse a value of another type, or out of the range of its `Setting`.

    Raises:
        InputError: naming the argument, what was wanted and what came.
    """
    if any(isinstance(about, Setting) for about in getattr(kind, "__metadata__", ())):
        check_setting(name, value, kind)
    elif not is_of(value, kind):
        raise InputError(f"{name} must be {spelled(kind)}; got {came(value)}")


@cache
def _hints(door: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the types of the arguments, and those of further keywords that a TypedDict names."""
    try:
        hints = get_type_hints(door, include_extras=True)
    except NameError:
        # Some names are there for type checkers only: those arguments are not looked at.
        hints = {name: _resolved(hint, door) for name, hint in door.__annotations__.items()}
    further: dict[str, Any] = {}
    for hint in hints.values():
        if get_origin(hint) is Unpack:
            further = get_type_hints(get_args(hint)[0], include_extras=True)
    return hints, further


def _resolved(hint: Any, door: Callable[..., Any]) -> Any:
    if not isinstance(hint, str):
        return hint
    try:
        return eval(hint, door.__globals__)
    except NameError:
        return Any
