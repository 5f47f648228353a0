"""What was probably meant by a model that is not there."""

from collections.abc import Iterable
from pathlib import Path

from advvid.methods.suggestion import ask, near_names
from advvid.models.adapters.torchvision_video import NAMES
from advvid.runs.files import is_there

_WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")


def suggest_model(spec: str, names: Iterable[str]) -> str:
    """Suggest models that are near a spec: registered ones, those of torchvision, and folders.

    Args:
        spec: that names no model.
        names: of the registered ones.

    Returns:
        a hint, never empty.
    """
    path = Path(spec).expanduser()
    if is_there(path):
        if path.is_dir():
            return f"did you mean hf/{spec}, a folder of transformers?"
        return f"it is a file: name the model by `model`, and its weights by `weights={spec}`"
    if path.suffix in _WEIGHTS:
        return f"it names a file: name the model by `model`, and its weights by `weights={spec}`"
    listed = list(names)
    # What is written -> what it should be, the registered ones last: they keep their names.
    meant = {Path(folder).name: folder for folder in near_folders(spec)}
    meant |= {name: f"torchvision/{name}" for name in NAMES}
    meant |= {name: name for name in listed}
    return (
        ask([meant[near] for near in near_names(spec, meant)]) or f"there are {', '.join(listed)}"
    )


def near_folders(name: str) -> list[str]:
    """Give specs of folders of transformers that are named almost like this one."""
    path = Path(name).expanduser()
    try:
        folders = [f for f in path.parent.iterdir() if (f / "config.json").is_file()]
    except (OSError, ValueError):
        return []
    shown = {folder.name: f"hf/{Path(name).parent / folder.name}" for folder in folders}
    return [shown[near] for near in near_names(path.name, shown)]
