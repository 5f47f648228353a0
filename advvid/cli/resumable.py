"""How a command that can be resumed is stopped."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from advvid.runs.processes import is_helper
from advvid.runs.terminal import say


@contextmanager
def resumable(folder: Path, needs: str = "config.json") -> Iterator[None]:
    """Say at Ctrl-C how to resume, and exit with code 130.

    Args:
        folder: of the run.
        needs: file of it without which there is nothing to resume.
    """
    try:
        yield
    except KeyboardInterrupt:
        there = (folder / needs).exists()
        hint = f"; to resume: the same command, --out {folder} --resume" if there else ""
        if not is_helper():
            say(f"advvid: stopped{hint}", stderr=True)
        raise SystemExit(130) from None
