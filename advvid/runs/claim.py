"""A piece of work that only one process may do at a time, claimed on the file system."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from advvid.errors import InputError


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Try to claim a file; tell whether it worked.

    The claim ends with the block, or with the process, however that dies. Where the system has no
    such locks (Windows), every claim works.

    Args:
        path: made with its folders when it is missing.

    Raises:
        InputError: when the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another place") from error
    with file:
        yield hold(file) is not False


def hold(file: IO[Any]) -> bool | None:
    """Hold an open file until it is closed, or until this process has died.

    Returns:
        False where another process holds it; None where the system has no such locks (Windows).
    """
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
