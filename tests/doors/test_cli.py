"""Bad command lines: one line that names what is wrong, exit code 2, and nothing left behind."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from tests.cli.run_command import CommandRunner
from tests.doors.command_lines import LINES, BadLine

MOST_LETTERS = 600


@pytest.fixture
def advvid(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> CommandRunner:
    """The command line, in an empty folder."""
    return CommandRunner(monkeypatch, capfd, tmp_path)


def wrong(line: BadLine, advvid: CommandRunner) -> Iterator[str]:
    done = advvid(*line.line)
    lines = done.err.strip().splitlines()
    if done.code != 2:
        yield f"exit code {done.code}"
    if len(lines) != 1 or "Traceback" in done.err:
        yield f"{len(lines)} lines: {done.err.strip()[-200:]}"
    elif line.says.lower() not in done.err.lower():
        yield f"{line.says!r} is not named: {done.err.strip()[:200]}"
    elif len(lines[0]) > MOST_LETTERS:
        yield f"{len(lines[0])} letters"
    if done.out:
        yield f"prints {done.out[:100]!r}"
    if left := [str(path.relative_to(advvid.folder)) for path in advvid.folder.rglob("*")]:
        yield f"leaves {', '.join(left)}"


GROUPS = {
    key: list(lines) for key, lines in groupby(LINES, lambda one: " ".join(one.line[:2])[:40])
}


@pytest.mark.parametrize("lines", GROUPS.values(), ids=GROUPS)
def test_bad_command_lines_are_one_line(lines: list[BadLine], advvid: CommandRunner) -> None:
    found = [f"{line.name}: {fault}" for line in lines for fault in wrong(line, advvid)]
    assert not found, "\n".join(found)
