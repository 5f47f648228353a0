"""Names and settings of everything, remembered, so that a typo is told before torch is imported.

Methods declare their settings beside code that takes seconds to import. What they declare is
remembered from the first command on. It is a shortcut only: commands check all again.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, replace
from functools import cache, reduce
from operator import or_
from pathlib import Path
from typing import Any, Literal, NoReturn

from advvid.errors import InputError, shown, shown_name
from advvid.methods import NamedSetting, Registry, Setting, read_settings, split_text
from advvid.methods.imported import is_stranger
from advvid.methods.listing import default_words
from advvid.methods.paths import is_there, near_folders, suggest_for_path
from advvid.methods.suggestion import ask, did_you_mean
from advvid.runs.remembered import remembered

Settings = dict[str, NamedSetting]

_KINDS: dict[str, Any] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "NoneType": type(None),
    "tuple[int, int]": tuple[int, int],
    "tuple[float, ...]": tuple[float, ...],
    "tuple[str, ...]": tuple[str, ...],
}
_MOST_DIGITS = 7
_IN_FOLDERS = ("folder", "ucf11", "ucf101")
_LIMITS = ("above", "at_least", "below", "at_most")


def methods(kind: str) -> Mapping[str, Settings | None]:
    """Give the names of one kind, with their settings where they are known.

    Args:
        kind: "attack", "condition", "augmentation", "defense", "model", "data set", "suite",
            "table" or "options".
    """
    return _catalogue()[kind]


def check_method(kind: str, text: str, *, also: tuple[str, ...] = ()) -> None:
    """Refuse a text `NAME[:key=value,...]` whose name or settings cannot be.

    Args:
        kind: see `methods`.
        text: what came.
        also: names that stand for something else.

    Raises:
        InputError: as the method itself would say it.
    """
    method = split_text(text)
    if method.name in also or is_stranger(method.name):
        return
    known = methods(kind)
    found = Registry(kind, dict.fromkeys(known)).canonical(method.name)
    if found is None:
        _refuse(kind, method.name, also)
    elif (settings := known[found]) is not None:
        read_settings(method.name, method.given, settings)


def check_name(kind: str, name: str | None) -> None:
    """Refuse a name that is not there; None is no name.

    Raises:
        InputError: with the nearest names.
    """
    if name is None or is_stranger(name):
        return
    if Registry(kind, methods(kind)).canonical(name) is None:
        _refuse(kind, name)


def _refuse(kind: str, name: str, also: tuple[str, ...] = ()) -> NoReturn:
    """Say that there is no such name; those of other toolkits are too many to list."""
    known = [*also, *methods(kind)]
    hint = did_you_mean(name, known) or f"there are {', '.join(n for n in known if '/' not in n)}"
    raise InputError(f"unknown {kind} {shown(name)}; {hint}")


def check_options(kind: str, given: Mapping[str, Any]) -> None:
    """Refuse values of options that settings declare, such as "training" and "data".

    Raises:
        InputError: naming the option.
    """
    settings = methods("options")[kind] or {}
    for name, value in given.items():
        if name not in settings or value is None:
            continue
        setting = settings[name]
        # What is not of the type of a setting is still to be read.
        if not isinstance(value, str) or str in setting.kinds:
            setting.check(value)


def check_model(spec: str) -> None:
    """Refuse a model that no family can have.

    Raises:
        InputError: with the nearest names.
    """
    known = [name for name in methods("model") if not name.endswith(("/NAME", ":FUNCTION"))]
    family, slash, rest = spec.partition("/")
    if family == "hf":
        _check_transformers(spec, rest)
    open_family = slash and f"{family}/NAME" in methods("model") and family != "torchvision"
    if open_family or ":" in spec:
        return
    if Registry("model", dict.fromkeys(known)).canonical(spec) is None:
        same = [name for name in known if name.rpartition("/")[2] == spec.lower()]
        near = ask(same or near_folders(spec)) or did_you_mean(spec, known)
        hint = suggest_for_path(spec) or near or f"there are {', '.join(methods('model'))}"
        raise InputError(f"unknown model {shown(spec)}; {hint}")


def _check_transformers(spec: str, name: str) -> None:
    """Refuse a folder that is not there; a name without an owner may be one on the hub."""
    near = near_folders(name)
    is_path = name.startswith(("/", "./", "../", "~")) or ("/" not in name and near)
    if is_path and not is_there(name):
        wanted = ask(near) or "give a folder with config.json and weights, or a name on the hub"
        raise InputError(f"cannot load {shown_name(spec)}: there is no such folder; {wanted}")


def check_weights(weights: str | None) -> None:
    """Refuse a file that is not there; names are the model's to know.

    Raises:
        InputError: naming the file.
    """
    file = weights or ""
    is_file = file.endswith((".safetensors", ".pt", ".pth"))
    if is_file and not is_there(file):
        raise InputError(f"no such file: {shown(file)}; --weights takes a file or a name")


def check_law(file: Path | None) -> None:
    """Refuse a law that is not there.

    Raises:
        InputError: naming the file.
    """
    if file is not None and not is_there(file):
        raise InputError(f"cannot read the law {file}: no such file")


def check_data(spec: str) -> None:
    """Refuse a data set that is none: neither a name nor a file.

    Raises:
        InputError: with the nearest names.
    """
    name, colon, rest = spec.partition(":")
    if is_stranger(spec) or (colon and name not in methods("data set") and "." in name):
        return
    if name in methods("data set"):
        if name == "motions" and rest.isdecimal() and len(rest) > _MOST_DIGITS:
            raise InputError(
                f"motions takes a number of training clips of at most {_MOST_DIGITS} digits; got "
                f"{shown(rest)}"
            )
        if rest and name in _IN_FOLDERS and not is_there(rest):
            raise InputError(f"no such folder: {shown(rest)}")
        return
    if not (spec and is_there(spec)):
        names = methods("data set")
        hint = did_you_mean(name, names) or f"there are {', '.join(names)}, or a video file"
        raise InputError(f"no such file or data set: {shown(spec)}; {hint}")
    if Path(spec).expanduser().is_dir():
        raise InputError(f"{spec} is a folder: say what it holds, such as folder:{spec}")


@cache
def _catalogue() -> dict[str, dict[str, Settings | None]]:
    """Read what is remembered, or else collect it."""
    content: dict[str, dict[str, Any]] = remembered("methods", _collected)
    return {
        kind: {
            name: None if settings is None else {one["name"]: _read(one) for one in settings}
            for name, settings in entries.items()
        }
        for kind, entries in content.items()
    }


def _collected() -> dict[str, dict[str, Any]]:
    """Import everything and write down its names and settings."""
    from torchvision.models import list_models as list_torchvision
    from torchvision.models import video

    from advvid.attacks.registry import ATTACKS, TOOLKITS
    from advvid.augmentation.registry import AUGMENTATIONS
    from advvid.data.options import DatasetOptions
    from advvid.data.registry import DATASETS
    from advvid.defenses.registry import DEFENSES
    from advvid.evaluation.conditions.registry import CONDITIONS
    from advvid.evaluation.conditions.suites import SUITES
    from advvid.methods import settings_of
    from advvid.models.registry import list_models
    from advvid.reproduction import TABLES
    from advvid.training.settings import TrainSettings

    attacks: dict[str, Any] = {name: _written(one.settings()) for name, one in ATTACKS.items()}
    for prefix, toolkit in TOOLKITS.items():
        names = (*toolkit.recipes, *toolkit.short_names, *toolkit.refused)
        attacks |= {f"{prefix}/{name}": None for name in names}
    return {
        "attack": attacks,
        "condition": {name: _written(settings_of(one)) for name, one in CONDITIONS.items()},
        "augmentation": {name: _written(settings_of(one)) for name, one in AUGMENTATIONS.items()},
        "defense": {name: _written(settings_of(one)) for name, one in DEFENSES.items()},
        "model": {
            **{row.spec: None for row in list_models()},
            **{f"torchvision/{name}": None for name in list_torchvision(module=video)},
        },
        "data set": dict.fromkeys(DATASETS),
        "suite": dict.fromkeys(SUITES),
        "table": dict.fromkeys(TABLES),
        "options": {
            "data": _written(settings_of(DatasetOptions)),
            "training": _written(settings_of(TrainSettings)),
        },
    }


def _written(settings: Mapping[str, NamedSetting]) -> list[dict[str, Any]]:
    """Write settings down; what has a reader or a check of its own is marked, and let pass."""
    rows = []
    for name, setting in settings.items():
        about, kinds = setting.about, [_name(kind) for kind in setting.kinds]
        plain = isinstance(setting.default, bool | int | float | str | tuple | None)
        rows.append(
            {
                "name": name,
                "kinds": kinds,
                "choices": setting.choices,
                "own": about.read is not None,
                "default": setting.default if plain and about.spell is None else None,
                "words": "" if setting.default is MISSING else default_words(setting),
                "help": about.help,
                "unit": about.unit,
                "limits": {one: getattr(about, one) for one in _LIMITS},
            }
        )
    return rows


def _name(kind: Any) -> str:
    text = next((text for text, known in _KINDS.items() if known == kind), None)
    return text or ("Literal" if getattr(kind, "__origin__", None) is Literal else "object")


def _read(row: Mapping[str, Any]) -> NamedSetting:
    choices = None if row["choices"] is None else tuple(row["choices"])
    kinds = [str if name == "Literal" else _KINDS.get(name, object) for name in row["kinds"]]
    about = Setting(row["help"], row["unit"], choices=choices, **row["limits"])
    if row["own"]:
        about = replace(about, read=str, verify=_pass)
    default = row["default"]
    if default is None and row["words"]:
        # In words, which is all that is wanted of it here.
        default, about = row["words"], replace(about, spell=str)
    if isinstance(default, list):
        default = tuple(default)
    return NamedSetting(row["name"], reduce(or_, kinds), default, about)


def _pass(value: Any) -> None:
    """Leave the check to the method itself."""
    del value


def completed_by(kind: str) -> Callable[[str], list[str]]:
    """Make what a shell completes a value by: the names of one kind."""

    def complete(incomplete: str) -> list[str]:
        names = [*methods(kind), *(methods("suite") if kind == "attack" else ())]
        return [name for name in names if name.startswith(incomplete)]

    return complete
