"""What kind of value an annotation asks for: told of a value; both spelled for a message."""

import collections.abc
import math
import numbers
import os
import types
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, is_typeddict

from advvid.errors import shown

CONVERTED = "converted"
"""Marks an annotation whose values the function itself converts, and refuses in better words."""

_WORDS = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "text",
    dict: "a dictionary",
    type(None): "None",
}
_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)


def is_of(value: Any, kind: Any) -> bool:
    """Tell whether a value is of a type; whole numbers are numbers, flags and NaN are not.

    A list may be a tuple, an array or a tensor of one axis, but is no text. What the type leaves
    open, or asks for in a way that is not known here, is let pass.
    """
    origin, members = get_origin(kind) or kind, get_args(kind)
    if kind is Any or isinstance(kind, TypeVar | str):
        return True
    if origin is Annotated:
        return CONVERTED in members or is_of(value, members[0])
    if origin in (Union, types.UnionType):
        return any(is_of(value, member) for member in members)
    if kind is None or kind is type(None):
        return value is None
    if origin is Literal:
        return isinstance(value, str | int) and value in members
    if origin in (int, float):
        return _is_number(value, whole=origin is int)
    if origin is bool:
        return isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")
    if origin is Path:
        return isinstance(value, str | os.PathLike)
    if origin is tuple or origin in _LISTS:
        return _is_list(value, origin, members)
    if origin is type:
        return isinstance(value, type) and issubclass(value, members[0])
    if origin is dict and members:
        return isinstance(value, dict) and all(
            is_of(key, members[0]) and is_of(one, members[1]) for key, one in value.items()
        )
    if origin is collections.abc.Callable:
        # A class is a slip for one of its objects; where it is none, the annotation says type[...].
        return callable(value) and not isinstance(value, type)
    if is_typeddict(origin):
        return isinstance(value, dict)
    if getattr(origin, "_is_protocol", False):
        return _follows(value, origin)
    return not isinstance(origin, type) or isinstance(value, origin)


def _is_number(value: Any, *, whole: bool) -> bool:
    wanted = numbers.Integral if whole else numbers.Real
    if not isinstance(value, wanted) or isinstance(value, bool):
        return False
    # Nothing is counted to 2^63, and a float does not hold every whole number.
    return abs(value) < 2**63 if isinstance(value, int) else whole or not math.isnan(value)


def _is_list(value: Any, origin: Any, members: tuple[Any, ...]) -> bool:
    if isinstance(value, str | bytes | collections.abc.Mapping | collections.abc.Set):
        return False
    if origin is collections.abc.Iterable:
        return not isinstance(value, type) and hasattr(value, "__iter__")
    if not isinstance(value, tuple | list):
        # Arrays and tensors are not sequences by their type.
        if origin is tuple or getattr(value, "ndim", 1) != 1 or not _has_items(value):
            return False
        first = value[0] if len(value) else None
        return first is None or not members or is_of(_plain(first), members[0])
    kinds = members
    if origin is not tuple or members[1:] == (Ellipsis,):
        kinds = members[:1] * len(value) if members else (Any,) * len(value)
    return len(value) == len(kinds) and all(map(is_of, value, kinds))


def _plain(member: Any) -> Any:
    """Give what an array or a tensor of one number holds."""
    return member.item() if getattr(member, "ndim", None) == 0 else member


def _has_items(value: Any) -> bool:
    return not isinstance(value, type) and all(
        hasattr(value, name) for name in ("__len__", "__getitem__")
    )


def _follows(value: Any, protocol: Any) -> bool:
    """Tell whether an object has what a protocol names."""
    names = {
        name
        for base in protocol.__mro__
        if getattr(base, "_is_protocol", False)
        for name in {**vars(base), **vars(base).get("__annotations__", {})}
        if name == "__call__" or not name.startswith("_")
    }
    return not isinstance(value, type) and all(hasattr(value, name) for name in names)


def spelled(kind: Any) -> str:
    """Spell a type in words, such as "a whole number or None"."""
    origin, members = get_origin(kind) or kind, get_args(kind)
    if origin is Annotated:
        return spelled(members[0])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(spelled, members)))
    if origin is Literal:
        return f"one of {', '.join(map(str, members))}"
    if origin is tuple and members[1:] != (Ellipsis,) and members:
        return f"{len(members)} values"
    if origin is tuple or origin in _LISTS:
        return "a list" + (f" of {_plural(members[0])}" if members else "")
    if origin is type:
        return f"the class {spelled(members[0])}"
    if origin is collections.abc.Callable:
        return "a function"
    if origin is Path:
        return "a path"
    return _WORDS.get(origin) or str(getattr(origin, "__name__", origin))


def came(value: Any) -> str:
    """Spell a value that came; arrays and tensors by their shape."""
    shape = getattr(value, "shape", None)
    if isinstance(value, type) or not isinstance(shape, tuple):
        return f"the class {value.__name__}" if isinstance(value, type) else shown(value)
    return f"{type(value).__name__} {tuple(shape)}"


def _plural(kind: Any) -> str:
    words = {int: "whole numbers", float: "numbers", str: "texts"}
    return words.get(kind) or spelled(kind)
