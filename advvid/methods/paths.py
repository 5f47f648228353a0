"""Paths that came: whether they are there, and what was probably meant."""

from pathlib import Path

from advvid.methods.suggestion import near_names


def suggest_for_path(spec: str) -> str:
    """Say how a folder or a file is written that was given as a model; "" for what is neither."""
    if not is_there(spec):
        return ""
    if Path(spec).expanduser().is_dir():
        return f"did you mean hf/{spec}, a folder of transformers?"
    return f"it is a file: name the model by `model`, and its weights by `weights={spec}`"


def near_folders(name: str) -> list[str]:
    """Give specs of folders of transformers that are named almost like this one."""
    path = Path(name).expanduser()
    try:
        folders = [f for f in path.parent.iterdir() if (f / "config.json").is_file()]
    except (OSError, ValueError):
        return []
    shown = {folder.name: f"hf/{Path(name).parent / folder.name}" for folder in folders}
    return [shown[near] for near in near_names(path.name, shown)]


def is_there(path: str | Path) -> bool:
    """Tell whether a file or folder exists; a text that can be no path names none."""
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        # Too long a name, a zero byte in it, or the home of nobody.
        return False
