"""Somebody else's class or function by "package.module:Name"."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from advvid.errors import InputError, first_line, shown, shown_name

T = TypeVar("T")


def is_stranger(name: str) -> bool:
    """Tell whether a name is of the form "package.module:Name" or "module:Name"."""
    module, _, member = name.partition(":")
    return member.isidentifier() and ("." in module or member[0].isupper())


def import_member(spec: str) -> Any:
    """Import what "package.module:Name" names, the current folder included.

    Raises:
        InputError: when module or name is not there, or the import fails.
    """
    module_name, _, name = spec.partition(":")
    with current_folder_importable():
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            raise InputError(
                f"cannot import {shown(module_name)} of {shown_name(spec)}: {error}; run from the "
                "folder that holds it, or install it"
            ) from error
        except (Exception, SystemExit) as error:
            raise InputError(f"importing {module_name} failed: {describe_error(error)}") from error
    found = getattr(module, name, None)
    if not callable(found):
        raise InputError(f"{module_name} has no class or function {shown(name)}: check the name")
    return found


def import_class(spec: str, base: type[T]) -> type[T]:
    """Import a class that has to be a subclass of another.

    Raises:
        InputError: when it is not there, or something else.
    """
    found = import_member(spec)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise InputError(f"{spec} must be a subclass of {base.__module__}.{base.__qualname__}")
    return found


@contextmanager
def current_folder_importable() -> Iterator[None]:
    """Look in the current folder too, as `python -m` does; the installed command does not."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def describe_error(error: BaseException) -> str:
    """Spell somebody else's error in one line."""
    name, line = type(error).__name__, first_line(error)
    return name if line == name else f"{name}: {line}"
