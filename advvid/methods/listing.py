"""Settings as rows of text, for listings and for the tables of docs/."""

from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any, Literal, NamedTuple, get_args, get_origin

from advvid.methods.setting import NamedSetting
from advvid.methods.text import reader_of, spell

_WORDS: dict[Any, str] = {
    bool: "yes or no",
    int: "whole number",
    float: "number",
    str: "text",
    tuple[int, int]: "two numbers, as 12x16",
}


class SettingRow(NamedTuple):
    """One setting in words; what it does not have is ""."""

    name: str
    type: str
    default: str
    unit: str
    range: str
    help: str


def setting_rows(settings: Mapping[str, NamedSetting]) -> list[SettingRow]:
    """Describe the settings that a text can hold, one row each.

    Args:
        settings: of a method, see `settings_of`.
    """
    return [
        SettingRow(
            setting.name,
            type_words(setting),
            default_words(setting),
            setting.about.unit,
            setting.about.range,
            setting.about.help,
        )
        for setting in settings.values()
        if reader_of(setting) is not None
    ]


def type_words(setting: NamedSetting) -> str:
    """Say what a value looks like, such as "whole number" or "first, spread or salient"."""
    if setting.choices is not None:
        *others, last = *setting.choices, *map(_kind_words, setting.beside_choices)
        return f"{', '.join(others)} or {last}" if others else last
    words = dict.fromkeys(filter(None, map(_kind_words, setting.kinds)))
    # One or several of a kind are said once; what only a reader of its own knows is text.
    told = [word for word in words if f"{word} or several, as a/b" not in words]
    return " or ".join(told) or "text"


def default_words(setting: NamedSetting) -> str:
    """Spell the default as a text would hold it; "" where there is none or nothing is set."""
    default = setting.default
    return "" if default is MISSING or default is None else spell(default, setting)


def _kind_words(kind: Any) -> str:
    """Say what a text holds for one type; "" for objects that only Python hands in."""
    members = get_args(kind)
    if get_origin(kind) is tuple and len(members) == 2 and members[1] is Ellipsis:
        member = next(filter(None, map(_kind_words, get_args(members[0]) or members[:1])), "value")
        return f"{member} or several, as a/b"
    if get_origin(kind) is Literal:
        return " or ".join(members)
    return _WORDS.get(kind, "")
