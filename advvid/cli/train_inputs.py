"""From the options of `advvid train` to a model and the clips that it is trained on."""

import warnings
from typing import Any

import torch
from torch import nn

from advvid.data import ClipDataset, load_dataset
from advvid.models import VideoModel, load_model


def load_training(
    model: str,
    data: str,
    *,
    weights: str | None,
    frames: int | None,
    size: int | None,
    **reading: Any,
) -> tuple[VideoModel, ClipDataset, ClipDataset]:
    """Load a model with the classes of a data set, and its train and val clips as the model has it.

    Args:
        model: spec.
        data: spec.
        weights: as for `load_model`.
        frames: T; None takes the model's.
        size: H = W; None takes the model's.
        reading: further arguments of `load_dataset`.

    Raises:
        InputError: when model or data cannot be loaded.
    """
    # No video is opened yet, so that the classes can be asked for before the shape is known.
    classes = load_dataset(data, split="train", frames=frames, size=size, **reading).classes
    loaded = load_model(model, num_classes=len(classes), weights=weights, frames=frames, size=size)
    match_head(loaded, classes)
    if loaded.input_shape is not None:
        frames = frames or loaded.input_shape[1]
        size = size or loaded.input_shape[2]
    train_data, val_data = (
        load_dataset(data, split=split, frames=frames, size=size, **reading)
        for split in ("train", "val")
    )
    return loaded, train_data, val_data


def match_head(model: VideoModel, classes: tuple[str, ...]) -> None:
    """Make the classifier of a model that knows its classes by name stand for those of the data.

    The same classes in another order are put in order. Others start anew, with a note.

    Args:
        model: changed in place.
        classes: of the data, as many as the model has.
    """
    known = model.classes
    if known is None or known == classes:
        return
    if model.head is not None:
        head = model.backbone.get_submodule(model.head)
        if set(known) == set(classes):
            order = torch.tensor([known.index(name) for name in classes])
            with torch.no_grad():
                for parameter in head.parameters(recurse=False):
                    parameter.copy_(parameter[order])
        else:
            warnings.warn(
                f"{model.spec}: the weights are of other classes ({known[0]}, ...) than the data "
                f"({classes[0]}, ...): the classifier starts anew",
                stacklevel=2,
            )
            for parameter in head.parameters(recurse=False):
                nn.init.zeros_(parameter)
    model.classes = classes
