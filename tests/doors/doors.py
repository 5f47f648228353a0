"""Public functions with arguments that work, and what kind of value each argument takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.doors.hostile import HOSTILE, NAMED_INSTEAD, Make


@dataclass(frozen=True)
class Door:
    """A public function, and calls of it that work.

    Args:
        name: in the names of tests.
        call: the function.
        good: makes arguments that work, by keyword.
        kinds: argument -> kind of its values, see `HOSTILE`.
        legal: "argument/value" for hostile values that this function takes all the same.
        words: what a message says instead of the name of an argument.
    """

    name: str
    call: Callable[..., Any]
    good: Callable[[], dict[str, Any]]
    kinds: Mapping[str, str]
    legal: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)

    def bad_calls(self) -> list["BadCall"]:
        """One call for every argument and every value that it must not be given."""
        return [
            BadCall(self, argument, value, make)
            for argument, kind in self.kinds.items()
            for value, make in HOSTILE[kind].items()
            if f"{argument}/{value}" not in self.legal
        ]


@dataclass(frozen=True)
class BadCall:
    """A call of a public function with one argument that cannot be used."""

    door: Door
    argument: str
    value: str
    make: Make
    further: "BadCall | None" = None

    @property
    def name(self) -> str:
        more = "" if self.further is None else f", {self.further.argument}={self.further.value}"
        return f"{self.door.name}({self.argument}={self.value}{more})"

    def with_argument(self, further: "BadCall") -> "BadCall":
        """The same call with one more bad argument."""
        return replace(self, further=further)

    def __call__(self) -> Any:
        given = {**self.door.good(), self.argument: self.make()}
        if self.further is not None:
            given[self.further.argument] = self.further.make()
        return self.door.call(**given)

    @property
    def words(self) -> tuple[str, ...]:
        """What the message has to name, one of them."""
        word = self.door.words.get(self.argument, self.argument)
        others = () if self.further is None else self.further.words
        return (word, self.argument, *NAMED_INSTEAD.get(self.value, ()), *others)
