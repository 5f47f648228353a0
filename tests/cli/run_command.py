"""Runs the command line inside the test process, or in one of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from advvid.cli.app import main

ROOT = Path(__file__).resolve().parents[2]


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


def start_process(
    folder: Path, *arguments: object, shown: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Start `advvid ...` in a folder, in a process that can be killed."""
    return subprocess.Popen(
        [sys.executable, "-m", "advvid.cli.app", *map(str, arguments)],
        cwd=folder,
        stdout=shown,
        stderr=shown,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1"},
    )


def run_process(folder: Path, *arguments: object) -> Done:
    """Run `advvid ...` in a folder, in a process of its own, to its end."""
    process = start_process(folder, *arguments, shown=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=600)
    finally:
        process.kill()
    return Done(process.returncode, out, err)
