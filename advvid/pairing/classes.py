"""The classes of a data set and those of a model, matched by name."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from advvid.errors import InputError, shown
from advvid.methods.suggestion import did_you_mean
from advvid.models import VideoModel


def match_labels(labels: Tensor, names: Sequence[str], model: VideoModel) -> Tensor:
    """Translate labels of a data set into those of a model, by class name where it has names.

    `match_labels(torch.arange(len(names)), names, model)` is the whole table.

    Args:
        labels: int64 (N,), indices into `names`.
        names: classes of the data set.
        model: that will be asked.

    Returns:
        int64 (N,), as the model counts its classes.

    Raises:
        InputError: when the model lacks a class, or has no names and another number of classes.
    """
    hint = "fine-tune it with `advvid train`, or take its own predictions: `labels=predicted`"
    if model.classes is not None:
        missing = [name for name in names if name not in model.classes]
        if missing:
            raise InputError(
                f"{model.spec} does not know {len(missing)} of the {len(names)} classes of the "
                f"data, such as {missing[0]!r}: {hint}"
            )
        return torch.tensor([model.classes.index(name) for name in names])[labels]
    if model.num_classes is not None and model.num_classes != len(names):
        raise InputError(
            f"{model.spec} has {model.num_classes} classes and the data {len(names)}: {hint}"
        )
    return labels


def match_head(model: VideoModel, classes: tuple[str, ...]) -> None:
    """Give a model that knows its classes by name the classes of the data instead.

    The same classes in another order are reordered. For other classes the classifier is set to
    zero, with a warning.

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
                f"({classes[0]}, ...): the classifier is trained from zero",
                stacklevel=2,
            )
            for parameter in head.parameters(recurse=False):
                nn.init.zeros_(parameter)
    model.classes = classes


def read_class(text: str, names: Sequence[str], count: int, *, also: Sequence[str] = ()) -> int:
    """Read a class, by its name or its number as the model counts it.

    Args:
        text: what came.
        names: of the classes, or none where they have no names.
        count: K.
        also: words that stand for something else where a class is asked for.

    Raises:
        InputError: when the model has no such class, with the nearest names.
    """
    if text in names:
        return list(names).index(text)
    # Digits of other scripts are none here, and of thousands Python makes no number.
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) < count:
        return int(text)
    words = "".join(f"{word}, " for word in also)
    hint = did_you_mean(text, [*also, *names]) or f"use {words}{'a name or ' * bool(names)}"
    if hint.startswith("use"):
        hint += f"a number from 0 to {count - 1}"
    raise InputError(f"target: the model has no class {shown(text)}; {hint}")
