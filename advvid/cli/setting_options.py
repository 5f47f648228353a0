"""Options of a command that are declared elsewhere: as a dataclass, or as settings of a method.

A command takes each group of options as one object:

    @grouped
    def attack(*, model: ModelOptions, clips: ClipOptions, eps: Budget = 8.0) -> None: ...

The fields of the dataclass are options, annotated as parameters of a typer command are. A parameter
that is annotated with `FromSettings` takes a dict of options that are made from settings.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from typing import Annotated, Any, get_args, get_type_hints

import typer

from advvid.methods.setting import NamedSetting
from advvid.methods.text import read_settings, spell

Command = Callable[..., None]


@dataclass(frozen=True)
class FromSettings:
    """Marks a parameter of a command that takes options made from settings, as a dict.

    Args:
        options: makes them, see `setting_option`. Called only when the command itself is: settings
            may lie beside code that takes seconds to import.
    """

    options: Callable[[], Iterable[inspect.Parameter]]


def grouped(command: Command, *, complete: bool = False) -> Command:
    """Let typer see the options of a command one by one, and the command see them in groups.

    Args:
        command: takes dataclasses of options by keyword.
        complete: include the options that are made from settings, see `completed`.
    """
    groups: dict[str, tuple[Any, list[inspect.Parameter]]] = {}
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        hint = hints[name]
        source = next((mark for mark in get_args(hint) if isinstance(mark, FromSettings)), None)
        if source is not None:
            groups[name] = dict, list(source.options()) if complete else []
        elif is_dataclass(hint):
            groups[name] = hint, _options_of(hint)
        else:
            groups[name] = None, [parameter.replace(annotation=hint)]

    @wraps(command)
    def run(**given: Any) -> None:
        arguments = {}
        for name, (make, options) in groups.items():
            own = {option.name: given[option.name] for option in options if option.name in given}
            arguments[name] = own.get(name) if make is None else make(**own)
        command(**arguments)

    options = [option for _, several in groups.values() for option in several]
    run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in options}
    return run


def takes_settings(command: Command) -> bool:
    """Tell whether a command has options that `completed` adds."""
    hints = get_type_hints(inspect.unwrap(command), include_extras=True)
    return any(isinstance(mark, FromSettings) for hint in hints.values() for mark in get_args(hint))


def completed(command: Command) -> Command:
    """Add the options that are made from settings to what `grouped` made."""
    return grouped(inspect.unwrap(command), complete=True)


def setting_option(
    setting: NamedSetting,
    *,
    panel: str,
    metavar: str | None = None,
    help: str | None = None,
    optional: bool = False,
) -> inspect.Parameter:
    """Make an option of a setting: --name-with-dashes with its type, default, meaning and range.

    What typer cannot read is taken as text, see `read_options`.

    Args:
        setting: with a default.
        panel: of the help.
        metavar: placeholder of the value; the unit unless given, or the type.
        help: in place of `meaning`.
        optional: None stands for the default, which may be another one in every method; several
            words are given by repeating the option.
    """
    kinds = [kind for kind in setting.kinds if kind is not type(None)]
    kind: Any = kinds[0] if kinds[0] in (bool, int, float) and len(kinds) == 1 else str
    default = None if optional else setting.default
    if optional and tuple[str, ...] in kinds:
        kind = list[str]
    elif kind is str and default is not None and not isinstance(default, str):
        default = spell(default, setting).replace("/", ",")
    flag = "--" + setting.name.replace("_", "-")
    option = typer.Option(
        f"{flag}/--no-{flag[2:]}" if default is True else flag,
        metavar=metavar or setting.about.unit.upper() or None,
        help=help or meaning(setting),
        rich_help_panel=panel,
    )
    return inspect.Parameter(
        setting.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind if default is not None else kind | None, option],
    )


def meaning(setting: NamedSetting, *, only: Sequence[str] = (), default: str = "") -> str:
    """Write what a setting means and which values it takes, as the help of its option.

    A range without an upper end goes without saying.

    Args:
        setting: see `setting_option`.
        only: methods that have the setting, where not all do.
        default: in words, where typer does not show it.
    """
    about = setting.about
    limits = about.range if about.below is not None or about.at_most is not None else ""
    # What is no quotient is the placeholder of the value.
    unit = about.unit if "/" in about.unit else ""
    details = "; ".join(filter(None, (unit, limits, default and f"{default} unless given")))
    text = f"{', '.join(only)}: {about.help}" if only else about.help
    # A value that may be given is not capitalized.
    if not only and about.help.split()[0].rstrip(",:") not in (setting.choices or ()):
        text = text[0].upper() + text[1:]
    return f"{text} ({details})." if details else f"{text}."


def read_options(
    name: str, given: dict[str, Any], settings: dict[str, NamedSetting]
) -> dict[str, Any]:
    """Read what `setting_option` takes as text; the rest comes back as it is.

    Raises:
        InputError: naming the setting that cannot be read.
    """
    texts = {
        # A text has a slash where an option has a comma, which separates settings in a text.
        key: value.replace(",", "/")
        for key, value in given.items()
        if isinstance(value, str) and str not in settings[key].kinds and not settings[key].choices
    }
    return given | read_settings(name, texts, settings)


def _options_of(group: Any) -> list[inspect.Parameter]:
    """Give the fields of a dataclass of options as parameters."""
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=hints[one.name],
        )
        for one in fields(group)
    ]
