"""Runs the command line inside the test process."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from advvid.cli.app import main


@dataclass(frozen=True)
class Done:
    """How a command ended: exit code and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandRunner:
    """Runs `advvid ...` in a folder of its own, 80 columns wide."""

    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    folder: Path

    def __call__(self, *arguments: object) -> Done:
        self.monkeypatch.setattr("sys.argv", ["advvid", *map(str, arguments)])
        self.monkeypatch.setenv("COLUMNS", "80")
        self.monkeypatch.chdir(self.folder)
        self.capture.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        shown = self.capture.readouterr()
        return Done(int(str(code or 0)), shown.out, shown.err)
