"""Everything of one kind by its names: attacks, defenses, data sets, models, ..."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from advvid.errors import InputError
from advvid.methods.suggestion import did_you_mean, shortened

Entry = TypeVar("Entry")


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
            raise InputError(f"unknown {self.kind} {shortened(name)}; {hint}")
        return self._entries[found]

    def canonical(self, name: str) -> str | None:
        """Give a name as it is registered, whatever its capitals, or None."""
        return {one.lower(): one for one in self._entries}.get(name.lower())
