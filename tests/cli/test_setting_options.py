"""Options in groups, and options that are made from settings."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from advvid.cli.options import option
from advvid.cli.setting_options import (
    FromSettings,
    completed,
    grouped,
    meaning,
    read_options,
    setting_option,
    takes_settings,
)
from advvid.errors import InputError
from advvid.methods import Setting, settings_of


@dataclass(frozen=True)
class Method:
    """Settings of every kind."""

    rate: Annotated[float, Setting("how much", above=0, at_most=1)] = 0.5
    shares: Annotated[tuple[float, ...], Setting("of the run", below=1)] = (0.25, 0.5)
    count: Annotated[int | None, Setting("how many", unit="clips", at_least=1)] = None
    flip: Annotated[bool, Setting("mirror")] = True
    fast: Annotated[bool, Setting("hurry")] = False
    mode: Annotated[str, Setting("eval or train", choices=("eval", "train"))] = "eval"


@dataclass(frozen=True)
class Where:
    """A group of options that are written out."""

    place: Annotated[str, option("--place", "DIR", "Where.", "Run")] = "here"
    size: Annotated[int, option("--size", None, "How large.", "Run")] = 3


SETTINGS = settings_of(Method)
seen: list[Any] = []


@grouped
def command(
    *,
    where: Where,
    method: Annotated[
        dict[str, Any],
        FromSettings(lambda: [setting_option(s, panel="Method") for s in SETTINGS.values()]),
    ],
    name: Annotated[str, option("--name", None, "Who.", "Run")] = "nobody",
) -> None:
    """Say what came."""
    seen.append((where, Method(**read_options("method", method, SETTINGS)), name))


def run(*arguments: str) -> Any:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(completed(command))
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return seen.pop() if not {"--help"} & set(arguments) else result.output


def test_defaults_are_those_of_the_groups_and_of_the_settings() -> None:
    assert run() == (Where(), Method(), "nobody")


def test_a_command_gets_what_was_given_in_groups() -> None:
    given = run(
        *("--size", "7", "--rate", "0.25", "--shares", "0.1,0.2,0.3", "--count", "4"),
        *("--no-flip", "--fast", "--mode", "train", "--name", "me"),
    )
    assert given == (
        Where(size=7),
        Method(0.25, (0.1, 0.2, 0.3), 4, flip=False, fast=True, mode="train"),
        "me",
    )


def test_help_has_meaning_range_unit_and_default() -> None:
    text = run("--help")
    for words in ("--rate", "How much (above 0 and at most 1).", "0.25,0.5", "CLIPS", "--no-flip"):
        assert words in text
    assert "eval or train." in text


def test_settings_are_not_asked_for_before_the_command_is_called() -> None:
    def fail() -> Any:
        raise AssertionError

    @grouped
    def late(*, method: Annotated[dict[str, Any], FromSettings(fail)]) -> None:
        """Take no settings yet."""

    assert takes_settings(late)
    assert not takes_settings(grouped(typer.echo))
    with pytest.raises(AssertionError):
        completed(late)


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(InputError, match="shares cannot be 'a/b'"):
        read_options("method", {"shares": "a,b"}, SETTINGS)


def test_meaning_names_the_methods_and_the_default_where_these_differ() -> None:
    text = meaning(SETTINGS["rate"], only=["aat", "cat"], default="0.5")
    assert text == "aat, cat: how much (above 0 and at most 1; 0.5 unless given)."
