"""Reading and writing files of weights, without ever running what is in them."""

import json
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from advvid.errors import InputError, first_line
from advvid.methods.paths import is_there
from advvid.models.weights.notes import WeightNotes, read_notes
from advvid.runs.files import write_atomically

_METADATA = "advvid"
_NESTS = ("state_dict", "model_state_dict", "model_state", "model")
_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".tar")


@dataclass(frozen=True)
class WeightFile:
    """What a file holds: tensors by name, on the CPU, the metadata saved with them, and of these
    the notes that are ours, checked."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: WeightNotes = field(default_factory=WeightNotes)


def looks_like_file(weights: str) -> bool:
    """Distinguish a path from a name such as DEFAULT."""
    path = Path(weights)
    return path.suffix in _SUFFIXES or len(path.parts) > 1 or is_there(path)


def write_weight_file(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, Any]) -> None:
    """Write safetensors, atomically; the same tensors and metadata give the same bytes.

    Args:
        tensors: by name, on any device.
        path: what to write.
        metadata: anything that JSON can hold.

    Raises:
        InputError: when the file cannot be written or is named as another kind.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    if path.suffix != ".safetensors":
        raise InputError(
            f"weights are written as safetensors: name the file *.safetensors, not {path}"
        )
    # Clones, because safetensors refuses tensors that share memory, such as tied weights.
    copies = {
        name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()
    }
    # One entry: safetensors writes several in random order.
    note = {_METADATA: json.dumps(metadata, sort_keys=True)}

    def write(temporary: Path) -> None:
        try:
            save_file(copies, temporary, metadata=note)
        except SafetensorError as error:
            raise OSError(first_line(error)) from error

    write_atomically(path, write)


def read_weight_file(path: Path) -> WeightFile:
    """Read .safetensors, or what torch.save wrote (state dicts, raw or nested, of tensors only).

    Args:
        path: of the file; a suffix other than .safetensors is read by torch.

    Raises:
        InputError: when it is missing, damaged, of another kind, or holds code.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; `weights` takes a .safetensors, .pt or .pth file")
    if not path.is_file():
        raise InputError(f"no such file: {path}")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: copy or download it again")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return WeightFile(path, _find_tensors(_read_torch(path), path))


def _read_safetensors(path: Path) -> WeightFile:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
            text = (file.metadata() or {}).get(_METADATA, "{}")
    except (SafetensorError, ValueError, TypeError, OSError) as error:
        raise InputError(
            f"cannot read {path}: it is not a whole safetensors file ({first_line(error)}); "
            "copy or download it again"
        ) from error
    parameters = sum(tensor.numel() for tensor in tensors.values())
    try:
        metadata = json.loads(text)
        if not isinstance(metadata, dict):
            raise InputError(f"they must be a JSON object; got {type(metadata).__name__}")
        notes = read_notes(metadata, parameters=parameters)
    except RecursionError as error:
        raise _unusable(path, "they are nested too deeply") from error
    except ValueError as error:  # an InputError too
        raise _unusable(path, first_line(error)) from error
    return WeightFile(path, tensors, metadata, notes)


def _unusable(path: Path, why: str) -> InputError:
    return InputError(
        f"the notes in {path} cannot be used: {why}; save the weights again, or as .pt without "
        "notes"
    )


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # A warning about pickle protocols, for developers of torch.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        code = re.search(r"GLOBAL (\S+)", str(error))
        if code is None and not _is_pickle(path):
            raise _unreadable(path) from error
        raise InputError(
            f"refused {path}: besides tensors it holds {code[1] if code else 'Python objects'}, "
            "which could run code; save its tensors alone, with torch.save(model.state_dict(), "
            "FILE)"
        ) from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:
        # The restricted unpickler meets arbitrary bytes with any exception there is.
        raise _unreadable(path) from error


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1) == pickle.PROTO


def _unreadable(path: Path) -> InputError:
    return InputError(
        f"cannot read {path}: it is neither weights saved by torch.save nor a .safetensors file"
    )


def _find_tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """Find the state dict in what was loaded: the whole of it, or under one of the usual names."""
    places = [content]
    if isinstance(content, Mapping):
        places += [content[name] for name in _NESTS if name in content]
    for place in places:
        if isinstance(place, Mapping) and place:
            tensors = {
                name: value
                for name, value in place.items()
                if isinstance(name, str) and isinstance(value, Tensor)
            }
            if len(tensors) == len(place):
                return tensors
    raise InputError(
        f"{path} holds no state dict (tensors by name, alone or under {', '.join(_NESTS)}); save "
        "one with torch.save(model.state_dict(), FILE)"
    )
