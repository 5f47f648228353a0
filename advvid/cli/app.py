"""The `advvid` command."""

import errno
import os
import re
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from advvid.cli.attack import attack
from advvid.cli.evaluate import evaluate
from advvid.cli.listings import attacks, augmentations, conditions, datasets, defenses, models
from advvid.cli.reproduce import reproduce
from advvid.cli.setting_options import completed, takes_settings
from advvid.cli.sweep_step_size import sweep_step_size
from advvid.cli.train import train
from advvid.errors import InputError, one_line
from advvid.methods.imported import describe_error
from advvid.runs.processes import is_helper, leave, leave_to_main
from advvid.runs.terminal import say

# Recent releases of typer carry their own copy of click, older ones use the installed one.
_UsageError: Any = typer.BadParameter.__bases__[0]


class _Commands(TyperGroup):
    """Adds options that are made from settings to a command when it is called, not before.

    Settings lie beside code that needs torch, which `advvid --help` should not wait for.
    """

    def resolve_command(self, context: Any, arguments: list[str]) -> tuple[Any, Any, list[str]]:
        name, command, rest = super().resolve_command(context, arguments)
        info = next(info for info in app.registered_commands if info.name == name)
        if info.callback is not None and takes_settings(info.callback):
            alone = typer.Typer(add_completion=False, **_LOOKS)
            alone.command(name)(completed(info.callback))
            command = typer.main.get_command(alone)
        # By the names that errors of the library use, see `_with_options`.
        _flags.update(
            (one.name, one.opts[0])
            for one in getattr(command, "params", ())
            if one.opts[0][0] == "-"
        )
        return name, command, rest


_LOOKS: dict[str, Any] = {
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
_flags: dict[str, str] = {}
"""Options of the command that runs, by the names that its settings have in Python."""

_noted: set[str] = set()
"""Warnings that the command that runs has printed."""

# `out`, `resume=True` or `weights=FILE`, as messages of the library name settings.
_NAMED = re.compile(r"`(?P<setting>\w+)(?:=(?P<value>[^`]*))?`")
# "at: clean_share must be ..." or "epochs must be ...", as settings say it.
_ABOUT_A_SETTING = re.compile(
    r"(?:(?P<method>[\w-]+): )?(?P<setting>\w+) (?P<rest>(?:must|cannot) be .*)", re.DOTALL
)

_TOO_LARGE = (
    "there is not enough memory: ask for fewer or smaller clips (--batch-size, --clips, --frames, "
    "--size)"
)

app = typer.Typer(
    name="advvid",
    cls=_Commands,
    help="How robust is a video classifier, and what makes it more robust?",
    no_args_is_help=True,
    **_LOOKS,
)
app.command("sweep-step-size")(sweep_step_size)
app.command("attack")(attack)
app.command("evaluate")(evaluate)
app.command("train")(train)
app.command("reproduce")(reproduce)
app.command("models", rich_help_panel="Lists")(models)
app.command("datasets", rich_help_panel="Lists")(datasets)
app.command("attacks", rich_help_panel="Lists")(attacks)
app.command("augmentations", rich_help_panel="Lists")(augmentations)
app.command("conditions", rich_help_panel="Lists")(conditions)
app.command("defenses", rich_help_panel="Lists")(defenses)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"advvid {version('advvid')}")
        raise typer.Exit


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    show_version: bool = typer.Option(
        False, "--version", help="Show the version and exit.", is_eager=True, callback=_show_version
    ),
) -> None:
    """How robust is a video classifier, and what makes it more robust?"""
    # The first is read by `main` before anything is parsed, so that every error honors it.
    del debug, show_version


def main() -> None:
    """Run the command line; an error is one line, that of a user with exit code 2."""
    debug = "--debug" in sys.argv
    if debug:
        # Accepted anywhere on the line, not only in front of the command.
        sys.argv.remove("--debug")
    warnings.showwarning = _note
    _noted.clear()
    try:
        code = app(prog_name="advvid", standalone_mode=False)
        if sys.stdout is not None:
            # What is still to be written fails here, and not after the last line.
            sys.stdout.flush()
    except _UsageError as error:
        if not error.format_message():
            sys.exit(2)  # The help was shown, of a command that wants more.
        _fail(error.format_message(), debug, error, code=2)
    except InputError as error:
        _fail(str(error), debug, error, code=2)
    except OSError as error:
        _fail_outside(error, debug)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped", debug, None, code=130)
    except Exception as error:
        if _is_of_memory(error):
            _fail(_TOO_LARGE, debug, error, code=2)
        _fail(_defect(error), debug, error, code=1)
    sys.exit(code if isinstance(code, int) else 0)


def _fail_outside(error: OSError, debug: bool) -> NoReturn:
    """End with what the system refuses: a file, a disk that is full, a reader that has gone."""
    if error.filename is None and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EIO):
        # Python would try to write the rest once more at its end.
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        if error.errno == errno.EPIPE:
            # As in `advvid attacks | head -1`: nothing is wrong.
            sys.exit(128 + 13)
    what = error.strerror or str(error) or type(error).__name__
    _fail(what if error.filename is None else f"{error.filename}: {what}", debug, error, code=2)


def _is_of_memory(error: Exception) -> bool:
    # The error of torch is told by its name, so that torch need not be imported.
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def _defect(error: Exception) -> str:
    """Say what went wrong where nobody foresaw it."""
    told = describe_error(error)[:200]
    return f"this is a defect of advvid, please report it: {told}; --debug shows where"


def _note(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as one line: the place in our source says nothing to a user."""
    if is_helper():
        return  # the first process has the same
    if str(message) not in _noted:
        # Options are read before and after torch is loaded, and torch resets what Python has told.
        _noted.add(str(message))
        _print_error(f"note: {message}")


def _fail(message: str, debug: bool, error: BaseException | None, *, code: int) -> NoReturn:
    leave_to_main()
    if debug and error is not None:
        raise error
    _print_error(_with_options(message))
    leave(code)


def _with_options(message: str) -> str:
    """Name settings in a message as users type them: --out DIR in the place of `out=DIR`.

    A message that begins with a setting is about it: begin it with its option, where the command
    line gave that, and not as part of a text.
    """
    found = _ABOUT_A_SETTING.match(message)
    if found is not None:
        option = "--" + found["setting"].replace("_", "-")
        in_a_text = re.compile(rf"(?:[:,\[]|^){found['setting']}=")
        if any(argument.split("=")[0] == option for argument in sys.argv) and not (
            found["method"] and any(map(in_a_text.search, sys.argv))
        ):
            message = f"{option} {found['rest']}"
    return _NAMED.sub(_as_option, message)


def _as_option(named: re.Match[str]) -> str:
    flag, value = _flags.get(named["setting"]), named["value"]
    if flag is None:
        return named[0]
    return flag if value in (None, "True") else f"{flag} {value}"


def _print_error(message: str) -> None:
    say(one_line(f"advvid: {message}"), stderr=True)


if __name__ == "__main__":
    main()
