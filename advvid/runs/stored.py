"""What is read back from a file that anybody may have changed: JSON, and objects made of it."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from advvid.errors import InputError, one_line, shown
from advvid.methods.kinds import is_of, spelled
from advvid.methods.paths import is_there

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
_LARGEST = 2**30


class StoredError(ValueError):
    """Content of a file that is not what it has to be; one line says what."""


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        InputError: when there is none, or it holds something else.
    """
    if not (is_there(path) and path.is_file()):
        # A pipe or a device would never end.
        raise InputError(f"cannot read {path}: no such file")
    try:
        if path.stat().st_size > _LARGEST:
            raise StoredError("larger than 1 GB")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        # Deep nesting, bytes that are no text, numbers of thousands of digits.
        reason = one_line(str(error))[:120]
        raise InputError(f"cannot read {path}: it is no JSON of advvid ({reason})") from error
    if not isinstance(content, dict):
        raise InputError(f"cannot read {path}: it holds {shown(content)}, not an object")
    return content


def restored(kind: type[T], content: Any) -> T:
    """Make a dataclass of what was read for its fields, all of which have to be of their types.

    Args:
        kind: a dataclass.
        content: its fields by name; those with a default may be missing.

    Raises:
        StoredError: naming the field that is missing, not known or of another type.
    """
    if not isinstance(content, Mapping):
        raise StoredError(f"{shown(content)} in place of {kind.__name__}")
    hints = get_type_hints(kind)
    names = {one.name for one in fields(kind) if one.init}
    for name, value in content.items():
        if name not in names:
            raise StoredError(f"{shown(name)} is not known")
        if not is_of(value, hints[name]):
            raise StoredError(f"{name} is {shown(value)}, not {spelled(hints[name])}")
    try:
        return kind(**content)
    except TypeError as error:  # a field is missing
        raise StoredError(str(error).partition(") ")[2] or str(error)) from error
