"""Several processes of one command: none waits for ever, none is left over, one speaks."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from advvid.errors import InputError
from advvid.runs.fabric import check_devices
from advvid.runs.processes import by_torchrun, is_helper

ROOT = Path(__file__).resolve().parents[2]
_VARIABLES = ("TORCHELASTIC_RUN_ID", "RANK", "LOCAL_RANK", "NODE_RANK", "MASTER_ADDR")

TWO = """
import os, sys, time
from pathlib import Path
from advvid.cli import app
from advvid.errors import InputError
from advvid.runs.launch import is_first_process, launch

def command(*_, **__):
    launch("cpu", 2)
    first = is_first_process()
    Path(sys.argv[1], "first" if first else "helper").write_text(str(os.getpid()))
    if sys.argv[2] == "work":
        time.sleep(60)
    if sys.argv[2] == "both" or not first:
        raise InputError("this cannot be used")
    time.sleep(60)

app.app = command
app.main()
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_more_devices_than_there_are_and_nodes_that_nobody_started_are_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InputError, match=r"1000 devices asked for.* found: ask for fewer"):
        check_devices("cpu", devices=1000)
    with pytest.raises(InputError, match="torchrun --nnodes 2"):
        check_devices("cpu", devices=2, nodes=2)
    check_devices("cpu", devices=2)
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    check_devices("cpu", devices=2, nodes=2)


def test_half_of_torchrun_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not by_torchrun()
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "7")
    with pytest.raises(InputError, match="unset TORCHELASTIC_RUN_ID"):
        check_devices("cpu")


def test_who_helps_is_known_from_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_helper()
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert is_helper()
    # The first of another machine, under torchrun.
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("RANK", "8")
    assert is_helper()


def start(folder: Path, what: str) -> "subprocess.Popen[str]":
    script = folder / "script.py"
    script.write_text(TWO)
    environment = {k: v for k, v in os.environ.items() if k not in _VARIABLES}
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), what],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**environment, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # One that nobody has waited for is dead all the same.
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(done: object, seconds: float = 60) -> bool:
    assert callable(done)
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.1)
    return bool(done())


@pytest.mark.slow
def test_no_process_outlives_the_first(tmp_path: Path) -> None:
    main = start(tmp_path, "work")
    assert wait_until((tmp_path / "helper").exists)
    helper = int((tmp_path / "helper").read_text())
    assert lives(helper)
    main.send_signal(signal.SIGKILL)
    main.wait()
    assert wait_until(lambda: not lives(helper), 10)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["both", "helper"])
def test_an_error_is_printed_once(who: str, tmp_path: Path) -> None:
    shown, _ = start(tmp_path, who).communicate(timeout=100)
    assert len(re.findall("advvid: this cannot be used", shown)) == 1
    assert "Traceback" not in shown
