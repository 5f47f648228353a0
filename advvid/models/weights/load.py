"""Saving and loading the weights of a model, with its classes, input shape and normalization."""

import warnings
from pathlib import Path
from typing import Any

from torch import nn

from advvid.errors import InputError, shown_name
from advvid.methods.arguments import checked
from advvid.models.architectures.resnet3d import ResNet3D
from advvid.models.architectures.resnet3d_specs import FIRST_GENERATION, is_first_generation
from advvid.models.heads import head_width
from advvid.models.video_model import VideoModel
from advvid.models.weights.files import WeightFile, read_weight_file, write_weight_file
from advvid.models.weights.state_dicts import load_exactly, strip_prefixes


@checked
def save_weights(model: nn.Module, path: str | Path, **metadata: Any) -> None:
    """Write the weights as safetensors, under a temporary name and renamed.

    Args:
        model: any module; of a `VideoModel`, the backbone's tensors are written, with its spec,
            number and names of classes, input shape, normalization and layout noted beside them.
        path: what to write.
        metadata: further notes, or others than the model's own, such as `classes`; JSON values.

    Raises:
        InputError: when the file cannot be written.
    """
    notes: dict[str, Any] = {}
    network = model
    if isinstance(model, VideoModel):
        network = model.backbone
        notes = {
            "spec": model.spec,
            "num_classes": model.num_classes,
            "classes": model.classes,
            "input_shape": model.input_shape,
            "mean": model.mean.flatten().tolist(),
            "std": model.std.flatten().tolist(),
            "layout": model.layout,
        }
    write_weight_file(network.state_dict(), Path(path), notes | metadata)


@checked
def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load a file of weights into a model, with the classes and normalization saved there.

    Args:
        model: changed in place when everything fits, not at all otherwise.
        path: .safetensors, or .pt / .pth read without running code; names may carry the prefixes
            of DataParallel and the like, or lie under "state_dict", "model" or "model_state".

    Raises:
        InputError: when the file cannot be read, is of another spec, or does not fit; the message
            lists missing, unexpected and misshapen names.
    """
    load_weight_file(model, read_weight_file(Path(path)))


def load_weight_file(model: nn.Module, file: WeightFile) -> None:
    """Do what `load_weights` does, with a file that is already read."""
    if not isinstance(model, VideoModel):
        tensors = strip_prefixes(file.tensors, model.state_dict())
        load_exactly(model, tensors, source=str(file.path), to=type(model).__name__)
        return
    check_spec(file, model.spec)
    network, notes = model.backbone, file.notes
    tensors = strip_prefixes(file.tensors, network.state_dict())
    width = None if model.head is None else head_width(network, model.head)
    for noted in (notes.num_classes, notes.classes and len(notes.classes)):
        if None not in (width, noted) and noted != width:
            raise InputError(
                f"{file.path} notes {noted} classes, but {model.spec} has {width} here: load "
                "weights of as many, or save these again"
            )
    load_exactly(network, tensors, source=str(file.path), to=model.spec)
    model.weights = str(file.path)
    model.num_classes = notes.num_classes or model.num_classes
    model.classes = notes.classes or model.classes
    if notes.mean is not None and notes.std is not None:
        model.set_normalization(notes.mean, notes.std)
    elif isinstance(network, ResNet3D) and is_first_generation(tensors):
        model.set_normalization(*FIRST_GENERATION)
        warnings.warn(
            f"{file.path} is read as a checkpoint of 2017 or 2018 (it counts no batches): pixels "
            "from 0 to 255 less the ActivityNet mean; call set_normalization where that is wrong",
            stacklevel=2,
        )


def check_spec(file: WeightFile, spec: str) -> None:
    """Refuse weights that were saved from another spec.

    Raises:
        InputError: naming both.
    """
    saved = file.notes.spec
    # A local folder may have been moved since.
    moved = saved is not None and saved.startswith("hf/") and spec.startswith("hf/")
    if saved is not None and saved != spec and not moved:
        name = shown_name(saved)
        raise InputError(f"{file.path} holds weights of {name}, not {spec}: load {name}")
