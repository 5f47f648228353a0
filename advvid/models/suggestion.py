"""What was probably meant by a model that is not there."""

from collections.abc import Iterable
from pathlib import Path

from advvid.methods.paths import near_folders, suggest_for_path
from advvid.methods.suggestion import ask, near_names
from advvid.models.adapters.torchvision_video import NAMES

_WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")


def suggest_model(spec: str, names: Iterable[str]) -> str:
    """Suggest models that are near a spec: registered ones, those of torchvision, and folders.

    Args:
        spec: that names no model.
        names: of the registered ones.

    Returns:
        a hint, never empty.
    """
    if hint := suggest_for_path(spec):
        return hint
    if Path(spec).suffix in _WEIGHTS:
        return f"it names a file: name the model by `model`, and its weights by `weights={spec}`"
    listed = list(names)
    # What is written -> what it should be, the registered ones last: they keep their names.
    meant = {Path(folder).name: folder for folder in near_folders(spec)}
    meant |= {name: f"torchvision/{name}" for name in NAMES}
    meant |= {name: name for name in listed}
    return (
        ask([meant[near] for near in near_names(spec, meant)]) or f"there are {', '.join(listed)}"
    )
