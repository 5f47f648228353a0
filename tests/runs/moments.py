"""What a process that dies leaves on disk, at every moment at which it touches a file."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TOUCHES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.truncate")


class Moments:
    """Copies of a folder as it was before each operation on a file of it, each state once.

    A kill at that moment would leave exactly this: nothing of Python runs any more.
    """

    def __init__(self, folder: Path, copies: Path) -> None:
        self.folder, self.copies = folder.absolute(), copies
        self.states: list[dict[str, bytes]] = []
        self.watching = False
        # A hook stays for good; this one does nothing once it has been told not to watch.
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.watching or event not in _TOUCHES:
            return
        named = [os.fspath(one) for one in arguments[:2] if isinstance(one, str | Path)]
        if not any(Path(name).absolute().is_relative_to(self.folder) for name in named):
            return
        self.watching = False
        try:
            self._keep()
        finally:
            self.watching = True

    def _keep(self) -> None:
        if not self.folder.exists():
            return
        state = content_of(self.folder)
        if state not in self.states:
            self.states.append(state)
            shutil.copytree(self.folder, self.copies / f"{len(self.states):03d}")


def content_of(folder: Path) -> dict[str, bytes]:
    """Give the files below a folder with their bytes, and its folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


@contextmanager
def watched(folder: Path, copies: Path) -> Iterator[list[Path]]:
    """Watch what happens to a folder; fills the list with copies of it, one for each moment."""
    moments, found = Moments(folder, copies), list[Path]()
    moments.watching = True
    try:
        yield found
    finally:
        moments.watching = False
    found.extend(sorted(copies.iterdir()))
