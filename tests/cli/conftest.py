from pathlib import Path

import pytest

from tests.cli.run_command import CommandRunner


@pytest.fixture
def advvid(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> CommandRunner:
    """The command line, in an empty folder."""
    return CommandRunner(monkeypatch, capfd, tmp_path)
