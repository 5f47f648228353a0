"""A piece of work that only one process may do at a time, claimed on the file system."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
        import fcntl
    except ImportError:
        yield True
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another place") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
