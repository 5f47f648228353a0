"""What takes seconds to import, kept as JSON in the user's cache folder.

A file stands under a mark of the source and the toolkits that it was read from: once one of these
changes, it is read anew. Nothing is lost when the folder cannot be written.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from advvid.errors import InputError
from advvid.runs.files import write_text

_ROOT = Path(__file__).resolve().parents[1]
_KEPT = 8
_TOOLKITS = ("torchattacks", "adversarial-robustness-toolbox", "torchvision")


def remembered(name: str, collect: Callable[[], Any]) -> Any:
    """Read what is remembered, or else collect and remember it.

    Args:
        name: of the file.
        collect: gives what JSON holds.
    """
    path = _folder() / f"{name}-{_mark()}.json"
    with suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))
    # As it will be read, so that the first time is like all others.
    content = json.dumps(collect())
    with suppress(OSError, InputError):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Other installations remember theirs here too.
        known = sorted(path.parent.glob(f"{name}-*.json"), key=lambda one: one.stat().st_mtime)
        for old in known[: 1 - _KEPT]:
            old.unlink()
        write_text(path, content)
    return json.loads(content)


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "advvid"


def _mark() -> str:
    """Give what tells this source, and the toolkits that are installed, from others."""
    marks = []
    for folder in (_ROOT, _ROOT / "attacks", _ROOT / "defenses"):
        for path in sorted(folder.rglob("*.py")):
            facts = path.stat()
            marks.append(f"{path} {facts.st_size} {facts.st_mtime_ns}")
    for toolkit in _TOOLKITS:
        with suppress(PackageNotFoundError):
            marks.append(f"{toolkit} {version(toolkit)}")
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]
