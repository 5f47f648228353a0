import ast
import io
import sys

import pytest
from rich.table import Table

from advvid.runs.progress import progress_bar
from advvid.runs.terminal import Terminal, say
from tests.test_architecture import TREES, shown

HOSTILE = "\x1b]0;owned\x07\x1b[2J a [bold]b[/bold] :smile:\nnext"


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_is_one_line_and_obeyed_by_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE, "b")
    out = capsys.readouterr().out
    assert out == "\\x1b]0;owned\\x07\\x1b[2J a [bold]b[/bold] :smile:\\nnext\nb\n"
    say("x" * 300, stderr=True)
    assert capsys.readouterr().err == "x" * 300 + "\n"


def test_cells_and_bars_are_spelled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = _Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    table = Table("name")
    table.add_row(HOSTILE)
    Terminal().print(table)
    with progress_bar(HOSTILE, 1) as bar:
        bar.print(HOSTILE)
        bar.set(1, HOSTILE, HOSTILE)
    shown = screen.getvalue()
    assert "owned" in shown
    assert not any(order in shown for order in ("\x07", "\x1b]", "\x1b[2J"))


def test_a_pipe_gets_80_columns_and_no_colors(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    Terminal().print("word " * 40, style="bold red")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)


def _prints(node: ast.AST) -> bool:
    """Whether a piece of source prints past the terminal."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in (
        *("print", "rich.print", "Console", "sys.stdout.write", "sys.stderr.write"),
        *("typer.echo", "typer.secho", "click.echo", "click.secho"),
    )


def test_there_is_no_other_way_to_print() -> None:
    """Or else a name from outside would reach the terminal as it is."""
    found = {name for name, tree in TREES.items() if any(map(_prints, ast.walk(tree)))}
    assert {shown(name) for name in found} == set()
