"""Writing files so that a reader never sees half of one."""

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from advvid.errors import InputError
from advvid.runs.claim import hold

_PREFIX = ".advvid-"
# As tempfile makes them: 8 letters, digits or underscores.
_TEMPORARY = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}-.+")


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file in the same folder, then rename it into place.

    Args:
        path: the file that is wanted; its folder is made if it is missing.
        write: fills the file at the path it is given.

    Raises:
        InputError: naming file and reason, when the disk is full or the folder is not writable.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_PREFIX, suffix=f"-{path.name}")
        temporary = Path(name)
        with os.fdopen(handle, "r+b") as claim:
            try:
                # Shows others that the writer lives; Windows renames no file that is open.
                if hold(claim) is None:
                    claim.close()
                write(temporary)
                with temporary.open("rb") as written:
                    os.fsync(written.fileno())
                # mkstemp makes files private; results are meant to be read by others.
                umask = os.umask(0)
                os.umask(umask)
                temporary.chmod(0o666 & ~umask)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot write {path}: {reason}; choose another place") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name and rename it; see `write_atomically`."""
    write_atomically(path, lambda temporary: _write_utf8(temporary, text))


def leftovers(folder: Path) -> list[Path]:
    """List the temporary files in a folder whose writers have died.

    Files of others, and those that a live process is writing, are not listed; nor is anything where
    the system cannot tell who lives (Windows).
    """
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name) and _dead(path)]


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that died have left in a folder under temporary names."""
    for path in leftovers(folder):
        path.unlink(missing_ok=True)


def _dead(path: Path) -> bool:
    """Tell whether nobody holds a file any more."""
    try:
        with path.open("r+b") as file:
            return hold(file) is True
    except OSError:  # it has its name by now
        return False


def _write_utf8(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
