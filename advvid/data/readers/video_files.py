"""Finding the videos of a folder."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from advvid.errors import InputError
from advvid.escaping import visible
from advvid.methods.paths import is_there

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov"),
    *(".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm", ".wmv"),
)


def is_video_name(name: str) -> bool:
    """Whether a file name ends like a video's."""
    return name.lower().endswith(VIDEO_SUFFIXES)


def find_videos(folder: Path) -> list[str]:
    """Paths of all videos in a folder and below, relative to it with "/", sorted.

    Names alone decide; no file is opened. Hidden files and folders are left out, and so are links
    to a folder that they lie in.

    Raises:
        InputError: a folder cannot be listed.
    """
    try:
        return sorted(_walk(str(folder), "", ()))
    except OSError as error:
        raise _unreadable(error) from error


def loose_videos(folder: Path) -> list[str]:
    """Names of the videos in a folder itself, sorted, without hidden ones.

    Raises:
        InputError: the folder cannot be listed.
    """
    return _listed(folder, lambda one: is_video_name(one.name) and _is_folder(one) is False)


def readable_name(name: str) -> str:
    """Give a name of a file or folder as text that can be printed and written.

    Names that are no UTF-8 are read as Latin-1, as old archives have them.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        name = os.fsencode(name).decode("latin-1")
    return visible(name)


def subfolders(folder: Path) -> list[str]:
    """Names of the folders in a folder, sorted, without hidden ones and links to folders above.

    Raises:
        InputError: the folder cannot be listed.
    """
    way = (Path(folder).resolve(),)
    return _listed(folder, lambda one: bool(_is_folder(one)) and not _leads_up(one.path, way))


def existing_folder(argument: str, usage: str) -> Path:
    """The folder that a spec names.

    Raises:
        InputError: no folder was named, or it does not exist.
    """
    if not argument:
        raise InputError(f"no folder given: write {usage}")
    if not is_there(argument):
        raise InputError(f"no such folder: {argument} (wanted: {usage})")
    folder = Path(argument).expanduser()
    if not folder.is_dir():
        raise InputError(f"{argument} is a file; {usage} takes a folder")
    return folder


def _listed(folder: Path, wanted: Callable[["os.DirEntry[str]"], bool]) -> list[str]:
    """Names of what is wanted in a folder, sorted, without hidden ones."""
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if not e.name.startswith(".") and wanted(e))
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> InputError:
    return InputError(f"cannot list the folder {error.filename}: {error.strerror}")


def _walk(folder: str, prefix: str, above: tuple[Path, ...]) -> Iterator[str]:
    """Videos of a folder reached through those `above` (real paths), with `prefix` before each."""
    way = (*above, Path(folder).resolve())
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            kind = _is_folder(entry)
            if kind:
                if not _leads_up(entry.path, way):
                    yield from _walk(entry.path, f"{prefix}{entry.name}/", way)
            elif kind is False and is_video_name(entry.name):
                yield prefix + entry.name


def _is_folder(entry: "os.DirEntry[str]") -> bool | None:
    """Whether an entry is a folder; None for a link that leads back to itself."""
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise


def _leads_up(folder: str, way: tuple[Path, ...]) -> bool:
    """Whether a folder is really one of those on the way to it, or contains one of them."""
    real = Path(folder).resolve()
    return any(passed.is_relative_to(real) for passed in way)
