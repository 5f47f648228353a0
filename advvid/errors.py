"""The one exception that users are meant to read, and how a value that came is shown in it."""

import re
import reprlib
from collections.abc import Iterable

_VALUE, _WORD, _LINE = 80, 400, 2000
"""Most letters of a value, of a word (a path, say) and of a whole message."""


class InputError(ValueError):
    """What the caller handed in cannot be used.

    The message is one line: what came, what was wanted, what to do. The command line prints it
    without a traceback and exits with code 2.

    Args:
        message: kept to one line of bearable length, see `one_line`. It names settings in
            backquotes, `out` or `resume=True`: the command line puts its options in their place.
        settings: those that were refused.
    """

    def __init__(self, message: str, *, settings: Iterable[str] = ()) -> None:
        super().__init__(one_line(message))
        self.settings = tuple(settings)


def one_line(text: str) -> str:
    """Make a text one line that a terminal can show: what does not print is escaped, long is cut.

    File names and the messages of other libraries may hold anything.
    """
    line = "".join(c if c.isprintable() else _escaped(c) for c in _BREAKS.sub(" ", text.strip()))
    line = re.sub(rf"\S{{{_WORD},}}", lambda word: _cut(word[0], _WORD), line)
    return _cut(line, _LINE)


def first_line(error: BaseException) -> str:
    """Say what somebody else's error says, in one line; its kind where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def shown(value: object) -> str:
    """Spell a value that came, quoted where it is text, in a length that a message can bear."""
    if isinstance(value, str):
        # Cut first: the value may be very long.
        text = repr(value if len(value) <= _VALUE else value[: _VALUE - 3] + "...")
    elif isinstance(value, float):
        text = f"{value:g}"
    elif isinstance(value, int) and not -(10**_VALUE) < value < 10**_VALUE:
        # Python itself refuses to spell numbers of thousands of digits.
        text = f"a whole number of about {value.bit_length() * 3 // 10} digits"
    else:
        try:
            text = _SHORT.repr(value)
        except Exception:  # somebody's __repr__
            text = f"a {type(value).__name__}"
    text = " ".join(text.split())
    return text if len(text) <= _VALUE + 2 else text[: _VALUE - 3] + "..."


_BREAKS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")


def shown_name(name: str) -> str:
    """Spell a name that came, without quotes where it looks like a name."""
    plain = len(name) <= _VALUE and name and name.isprintable() and " " not in name
    return name if plain else shown(name)


def _escaped(letter: str) -> str:
    return ascii(letter)[1:-1]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most * 3 // 4]}...{text[-most // 6 :]}"


_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 4, _VALUE, _VALUE * 4, _VALUE
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxdict = _SHORT.maxarray = 12
