"""Conditions by the names of the command line; attacks have a registry of their own."""

from advvid.errors import InputError
from advvid.evaluation.condition import Condition
from advvid.evaluation.conditions.sampling import Sampling
from advvid.methods import Registry, read_settings, settings_of, split_text
from advvid.methods.stranger import import_class, is_stranger

CONDITIONS: Registry[type[Condition]] = Registry("condition", {"sampling": Sampling})


def parse_condition(text: str) -> Condition:
    """Read `NAME[:key=value,...]`, such as "sampling:kind=dense,clips=8".

    A name such as "package.module:Class" is that of a condition of your own.

    Raises:
        InputError: for an unknown condition or setting, or a value out of range.
    """
    parts = split_text(text)
    name = parts.name
    kind = import_class(name, Condition) if is_stranger(name) else CONDITIONS.find(name)  # type: ignore[type-abstract]
    try:
        return kind(**read_settings(name, parts.given, settings_of(kind)))
    except TypeError as error:
        raise InputError(f"{name}: {error}") from error
