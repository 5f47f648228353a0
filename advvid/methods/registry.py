"""Everything of one kind by its names: attacks, defenses, data sets, models, ..."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING
from typing import Any, TypeVar

from advvid.errors import InputError, shown
from advvid.methods.imported import import_class, is_stranger
from advvid.methods.setting import settings_of
from advvid.methods.suggestion import did_you_mean
from advvid.methods.text import read_settings, split_text

Entry = TypeVar("Entry")
Method = TypeVar("Method")


class Registry(Mapping[str, Entry]):
    """Entries by name, in the order in which they are listed.

    Args:
        kind: what is registered, such as "attack"; for messages.
        entries: name -> entry, explicit and in one place.
    """

    def __init__(self, kind: str, entries: Mapping[str, Entry]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, name: str) -> Entry:
        """Give the entry of a name; capitals do not matter.

        Raises:
            InputError: with the nearest names, or all of them, when there is none.
        """
        found = self.canonical(name)
        if found is None:
            hint = did_you_mean(name, self) or f"there are {', '.join(self)}"
            raise InputError(f"unknown {self.kind} {shown(name)}; {hint}")
        return self._entries[found]

    def canonical(self, name: str) -> str | None:
        """Give a name as it is registered, whatever its capitals, or None."""
        return {one.lower(): one for one in self._entries}.get(name.lower())


class MethodRegistry(Registry[type[Method]]):
    """Classes with settings by name, and those of others by "package.module:Class".

    Args:
        kind: see `Registry`.
        base: what every class is a subclass of.
        entries: name -> class.
    """

    def __init__(self, kind: str, base: type[Any], entries: Mapping[str, type[Method]]) -> None:
        super().__init__(kind, entries)
        self.base: type[Method] = base

    def find(self, name: str) -> type[Method]:
        """Give the class of a name, or import it.

        Raises:
            InputError: for an unknown name, with the nearest, or what cannot be imported.
        """
        return import_class(name, self.base) if is_stranger(name) else super().find(name)

    def read(self, given: str | Method, **known: Any) -> Method:
        """Build what a text such as "name:key=value,..." stands for; an object passes through.

        Args:
            given: text or object.
            known: settings that the caller knows, for classes that have them and texts that do not.

        Raises:
            InputError: for an unknown name, a setting that is wrong or missing, or another object.
        """
        if isinstance(given, self.base):
            return given
        if not isinstance(given, str):
            raise InputError(f"{self.kind} takes a name or an object; got {type(given).__name__}")
        text = split_text(given)
        method = self.find(text.name)
        settings = settings_of(method)
        values = {name: value for name, value in known.items() if name in settings}
        values |= read_settings(text.name, text.given, settings)
        for name, setting in settings.items():
            if setting.default is MISSING and name not in values:
                raise InputError(f"{text.name} needs {name}: write {text.name}:{name}=...")
        try:
            return method(**values)
        except TypeError as error:  # of somebody else's __init__
            raise InputError(f"{text.name}: {error}") from error
