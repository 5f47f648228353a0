"""The folder a command writes: settings first, results last, each file whole or not at all."""

import json
import platform
import sys
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from advvid.errors import InputError, shown
from advvid.runs.files import leftovers, remove_leftovers, write_atomically, write_text
from advvid.runs.stored import read_json

CONFIG = "config.json"

_PACKAGES = (
    "advvid",
    "torch",
    "torchvision",
    "timm",
    "adversarial-robustness-toolbox",
    "lightning-fabric",
    "av",
    "numpy",
)


class RunFolder:
    """A folder for one run of one command.

    Args:
        path: the folder; None makes `runs/<command>-<time>` in the current folder.
        command: name of the command.
        settings: everything that was asked for, as JSON can hold it.
        resume: continue the run of the same settings that is there already.

    Raises:
        InputError: when the folder holds something else already, or cannot be written.
    """

    def __init__(
        self, path: Path | None, command: str, settings: dict[str, Any], *, resume: bool = False
    ) -> None:
        if resume:
            self.path = self._of_same_run(path, settings)
            remove_leftovers(self.path)
            return
        if path is None:
            path = new_run_path(command)
        check_free(path)
        remove_leftovers(path)
        self.path = path
        self.write_json(CONFIG, run_config(command, settings))

    @staticmethod
    def _of_same_run(path: Path | None, settings: dict[str, Any]) -> Path:
        """Check that a folder holds a run with these settings."""
        if path is None:
            raise InputError("`resume=True` needs the folder of the run: add `out=DIR`")
        check_resumable(path)
        found = read_json(path / CONFIG).get("settings")
        if not isinstance(found, dict):
            raise InputError(f"{path / CONFIG} has no settings of a run: start a new folder")
        wanted = json.loads(json.dumps(settings))
        for name in {**found, **wanted}:
            if found.get(name) != wanted.get(name):
                raise InputError(
                    f"cannot resume: the run in {path} had {shown(name)[1:-1]} "
                    f"{shown(found.get(name))}, now it is {shown(wanted.get(name))}: repeat its "
                    "settings, or start a new folder"
                )
        return path

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file into the folder."""
        write_text(self.path / name, json.dumps(content, indent=2) + "\n")

    def write(self, name: str, write: Callable[[Path], None]) -> None:
        """Let `write` fill a file of the folder."""
        write_atomically(self.path / name, write)


def new_run_path(command: str) -> Path:
    """Name a folder for a run of a command that starts now."""
    return Path("runs") / f"{command}-{datetime.now():%Y%m%d-%H%M%S}"


def check_resumable(path: Path, needs: str = CONFIG) -> None:
    """Refuse a folder that holds no run.

    Args:
        path: the folder.
        needs: the file without which there is nothing to resume.

    Raises:
        InputError: naming the folder.
    """
    if not (path / needs).is_file():
        raise InputError(f"{path} holds no run to resume (no {needs})")


def check_free(path: Path) -> None:
    """Refuse to write into a file, or into a folder that holds something.

    What dead processes have left under temporary names is nothing.

    Raises:
        InputError: naming the folder.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file: name a folder (`out=DIR`)")
    if path.is_dir() and set(path.iterdir()) - set(leftovers(path)):
        holds = ""
        if (path / "results.json").is_file():
            holds = " and holds the results of a finished run"
        elif (path / CONFIG).is_file():
            holds = " and holds a run, which `resume=True` continues if it was stopped"
        raise InputError(
            f"{path} is not empty{holds}: name another folder (`out=DIR`), so that nothing in it "
            "is lost"
        )


def run_config(command: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Describe a run: command, settings, versions, machine, time."""
    return {
        "command": command,
        "arguments": sys.argv[1:],
        "settings": settings,
        "versions": package_versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def package_versions() -> dict[str, str]:
    """Give the installed versions of what results depend on."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from a checkout that was never installed
            continue
    return found
