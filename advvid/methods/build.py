"""From the text of a method to the object."""

from dataclasses import MISSING
from typing import Any, TypeVar

from advvid.errors import InputError
from advvid.methods.registry import Registry
from advvid.methods.setting import settings_of
from advvid.methods.stranger import import_class, is_stranger
from advvid.methods.text import read_settings, split_text

T = TypeVar("T")


def build(given: str | T, registry: Registry[type[T]], base: type[T], **known: Any) -> T:
    """Build the object that a text names; an object passes through.

    Args:
        given: "name:key=value,...", the same with "package.module:Class" for a name, or an object.
        registry: classes by name.
        base: what a class has to be a subclass of.
        known: settings that the caller knows, for classes that have them and texts that do not.

    Raises:
        InputError: for an unknown name, a setting that is wrong or missing, or another object.
    """
    if isinstance(given, base):
        return given
    if not isinstance(given, str):
        raise InputError(f"{registry.kind} takes a name or an object; got {type(given).__name__}")
    text = split_text(given)
    method: Any = (
        import_class(text.name, base) if is_stranger(text.name) else registry.find(text.name)
    )
    settings = settings_of(method)
    values = {name: value for name, value in known.items() if name in settings}
    values |= read_settings(text.name, text.given, settings)
    for name, setting in settings.items():
        if setting.default is MISSING and name not in values:
            raise InputError(f"{text.name} needs {name}: write {text.name}:{name}=...")
    try:
        built: T = method(**values)
    except TypeError as error:
        raise InputError(f"{text.name}: {error}") from error
    return built
