"""A method with settings as text: "name:key=value,key=value"."""

import math
import numbers
import types
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Union, get_args, get_origin

from advvid.errors import InputError, shown, shown_name
from advvid.methods.imported import is_stranger
from advvid.methods.setting import NamedSetting
from advvid.methods.suggestion import did_you_mean

Reader = Callable[[str], Any]
"""Turns the text of one setting into its value; raises a ValueError when it cannot."""


@dataclass(frozen=True)
class MethodText:
    """A text, cut up; no value is read yet.

    Args:
        name: in front of the settings; a stranger's method is "package.module:Class".
        given: the text of every setting.
    """

    name: str
    given: dict[str, str]


def split_text(text: str) -> MethodText:
    """Cut "name:key=value,..." up.

    A comma inside [...] belongs to its value, and the brackets are dropped:
    "at:attack=[pgd:max_iter=3,loss=cw],eps=4".

    Raises:
        InputError: for a setting without a value, a setting given twice, or an open bracket.
    """
    name, _, rest = text.partition(":")
    member, _, behind = rest.partition(":")
    if is_stranger(f"{name}:{member}"):
        name, rest = f"{name}:{member}", behind
    given: dict[str, str] = {}
    for pair in filter(None, split_outside_brackets(rest, ",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise InputError(
                f"{shown_name(name)}: {shown_name(key)} needs a value, as in {shown_name(key)}=..."
            )
        if key in given:
            raise InputError(
                f"{shown_name(name)}: {shown_name(key)} is given twice: leave one of both out"
            )
        given[key] = value
    return MethodText(name, given)


def split_outside_brackets(text: str, mark: str) -> list[str]:
    """Cut a text at every mark that no [...] holds.

    Raises:
        InputError: when a bracket is not closed.
    """
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if depth < 0:
            break
        if letter == mark and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    if depth != 0:
        raise InputError(f"brackets do not match in {shown(text)}")
    return [*parts, text[start:]]


def read_settings(
    name: str, given: Mapping[str, str], settings: Mapping[str, NamedSetting]
) -> dict[str, Any]:
    """Read and check the settings that a text gives.

    Args:
        name: of the method, for messages.
        given: text of each.
        settings: that the method has.

    Returns:
        Their values, as keyword arguments.

    Raises:
        InputError: for a setting that the method does not have, a value of the wrong kind, or one
            out of range.
    """
    values: dict[str, Any] = {}
    for key, text in given.items():
        setting = settings.get(key)
        reader = None if setting is None else reader_of(setting)
        if setting is None or reader is None:
            readable = [one for one in settings if reader_of(settings[one]) is not None]
            hint = did_you_mean(key, readable) or f"choose from {', '.join(readable)}"
            raise InputError(f"{shown_name(name)} has no setting {shown(key)}; {hint}")
        try:
            values[key] = reader(text)
        except ValueError as error:
            if isinstance(error, InputError):
                raise InputError(f"{shown_name(name)}: {key}: {error}") from error
            raise InputError(
                f"{shown_name(name)}: {key} cannot be {shown(text)}: wanted {_wanted(setting)}"
            ) from error
        try:
            setting.check(values[key])
        except InputError as error:
            raise InputError(f"{shown_name(name)}: {error}", settings=error.settings) from error
    return values


def _wanted(setting: NamedSetting) -> str:
    """Say what a text may hold, and what it means."""
    about, kinds = setting.about, setting.kinds
    words = next(
        (
            words
            for kind, words in (
                (bool, "yes or no"),
                (tuple[int, int], "two whole numbers, such as 12x16"),
                (float, "a number, such as 0.5 or 8/255"),
                (int, "a whole number"),
            )
            if kind in kinds
        ),
        "a value",
    )
    limits = "" if bool in kinds or not about.range else f", {about.range}"
    choices = f"{', '.join(setting.choices)} or " if setting.choices else ""
    return f"{choices}{words}{limits} ({about.help})"


def reader_of(setting: NamedSetting) -> Reader | None:
    """Choose how to read a setting from its type; None where text cannot hold it."""
    if setting.about.read is not None:
        return setting.about.read
    reader = _reader_of_kinds(setting.beside_choices or setting.kinds)
    return reader if reader is None else partial(_word_or, setting.choices or (), reader)


def _word_or(choices: tuple[str, ...], reader: Reader, text: str) -> Any:
    return text if text in choices else reader(text)


def spell(value: Any, setting: NamedSetting | None = None) -> str:
    """Spell a value as a text setting holds it, the inverse of reading.

    Args:
        value: of a setting.
        setting: tells how it spells its values, and a pair ("4x6") from a list of two ("4/6");
            without it, two are a pair.
    """
    if setting is not None and setting.about.spell is not None:
        return setting.about.spell(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, numbers.Real) and not isinstance(value, int):
        return _spell_number(float(value))
    if isinstance(value, tuple | list):
        members = [f"[{text}]" if "/" in text else text for text in map(spell, value)]
        pair = len(value) == 2 and (setting is None or tuple[int, int] in setting.kinds)
        return ("x" if pair else "/").join(members)
    text = str(value)
    return f"[{text}]" if "," in text else text


def _spell_number(value: float) -> str:
    """Spell a number so that it reads back as it was: 0.2, 8/255, or all its digits."""
    short, gray_levels = f"{value:.9g}", 255 * value
    if float(short) == value or not math.isfinite(value):
        return short
    return f"{gray_levels:.0f}/255" if round(gray_levels) / 255 == value else repr(value)


def _reader_of_kinds(kinds: tuple[Any, ...]) -> Reader | None:
    readers: tuple[tuple[Any, Reader], ...] = (
        (bool, read_flag),
        (int, read_whole),
        (float, read_fraction),
        (str, str),
    )
    for kind in kinds:
        if kind == tuple[int, int]:
            return read_pair
        if get_origin(kind) is Literal:
            return str
        members = get_args(kind)
        if get_origin(kind) is tuple and len(members) == 2 and members[1] is Ellipsis:
            union = get_origin(members[0]) in (Union, types.UnionType)
            member = _reader_of_kinds(get_args(members[0]) if union else (members[0],))
            return None if member is None else _list_reader(member)
    return next((reader for kind, reader in readers if kind in kinds), None)


def read_fraction(text: str) -> float:
    """Read a number, or a quotient such as 8/255; "inf" and "1e309" are left to the range."""
    numerator, slash, denominator = text.partition("/")
    if not slash:
        number = read_ascii_float(text)
    elif (divisor := read_ascii_float(denominator)) == 0:
        raise ValueError(text)
    else:
        number = read_ascii_float(numerator) / divisor
    if math.isnan(number):
        raise ValueError(text)
    return number


def read_levels(text: str) -> float:
    """Read a budget or a step in 1/255, such as 8, or as a quotient, 8/255; gives a fraction."""
    return read_fraction(text) if "/" in text else read_fraction(text) / 255


def note_small_budget(eps: float) -> None:
    """Warn of a budget below half a gray level: 1/255 was probably taken of it twice.

    Args:
        eps: a fraction of the pixel range; 0 is no attack, and no mistake.
    """
    levels = 255 * eps
    if 0 < levels < 0.5:
        warnings.warn(
            f"eps is {levels:.3g}/255, less than half a gray level, so that nothing of it is left "
            f"in 8 bits; for {levels:.3g} of the pixel range write {255 * levels:.4g}/255",
            # Of this line, whoever asked: the same budget is told of once.
            stacklevel=1,
        )


def read_ascii_float(text: str) -> float:
    """Read a number as it is usually written: no digits of other scripts, and no 1_000."""
    return float(_plain(text))


def read_whole(text: str) -> int:
    """Read a whole number; see `read_ascii_float`."""
    return int(_plain(text))


def _plain(text: str) -> str:
    # Python refuses whole numbers of thousands of digits, in a sentence of its own.
    if not text.isascii() or "_" in text or len(text) > 400:
        raise ValueError(text[:80])
    return text


def read_pair(text: str) -> tuple[int, int]:
    """Read two whole numbers, such as 12x16."""
    first, times, second = text.partition("x")
    if not times:
        raise ValueError(text)
    return read_whole(first), read_whole(second)


def read_flag(text: str) -> bool:
    """Read yes or no."""
    if text.lower() in ("true", "yes", "1"):
        return True
    if text.lower() in ("false", "no", "0"):
        return False
    raise ValueError(text)


def _list_reader(member: Reader) -> Reader:
    def read(text: str) -> tuple[Any, ...]:
        parts = split_outside_brackets(text, "/")
        return tuple(member(without_brackets(part)) for part in parts)

    return read


def without_brackets(text: str) -> str:
    """Drop the brackets around a whole value."""
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text
