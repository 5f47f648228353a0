"""The frame of everything that has a name and settings: attacks, defenses, corruptions, ..."""

from advvid.methods.listing import SettingRow, setting_rows
from advvid.methods.registry import MethodRegistry, Registry
from advvid.methods.setting import (
    NamedSetting,
    Setting,
    check_setting,
    check_settings,
    settings_of,
)
from advvid.methods.text import MethodText, read_settings, spell, split_text

__all__ = [
    "MethodRegistry",
    "MethodText",
    "NamedSetting",
    "Registry",
    "Setting",
    "SettingRow",
    "check_setting",
    "check_settings",
    "read_settings",
    "setting_rows",
    "settings_of",
    "spell",
    "split_text",
]
