"""What is noted beside weights: spec, classes, input shape, normalization, layout; checked."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from advvid.checks import check_count
from advvid.errors import InputError
from advvid.inference.layouts import check_layout
from advvid.inference.normalization import PerChannel, read_per_channel
from advvid.methods.arguments import check_argument
from advvid.methods.kinds import is_of

_SHAPE = tuple[int | None, int | None, int | None, int | None]
_LARGEST_CLIP = 2**30
"""Values of one clip, 4 GiB: a note of more is a mistake, and would be allocated."""


@dataclass(frozen=True)
class WeightNotes:
    """The notes of a file of weights, each None where the file has none.

    Args:
        spec: of the model that was saved.
        num_classes: K.
        classes: their names in order, K of them.
        input_shape: (3, T, H, W), each None where it is open.
        mean: of pixels in [0, 1]; with `std` or not at all.
        std: above 0.
        layout: of the clips that the network takes.
    """

    spec: str | None = None
    num_classes: int | None = None
    classes: tuple[str, ...] | None = None
    input_shape: tuple[int | None, ...] | None = None
    mean: PerChannel | None = None
    std: PerChannel | None = None
    layout: str | None = None


def read_notes(metadata: Mapping[str, Any], *, parameters: int) -> WeightNotes:
    """Read the notes, whatever a file may hold.

    Args:
        metadata: JSON values by name; names that mean nothing here are left to others.
        parameters: how many numbers the file holds: no model has more classes.

    Raises:
        InputError: naming the note that cannot be used.
    """
    # An empty list stands for what was not known when the file was written, like null.
    given = {name: metadata.get(name) for name in WeightNotes.__dataclass_fields__}
    given = {name: None if value == [] else value for name, value in given.items()}
    if (given["mean"] is None) != (given["std"] is None):
        raise InputError("mean and std must both be there, or neither")
    notes: dict[str, Any] = {
        name: None if value is None else _READERS[name](value) for name, value in given.items()
    }
    count, classes = notes["num_classes"], notes["classes"]
    if count is not None and count > max(parameters, 1):
        raise InputError(f"num_classes must be at most {parameters}, the numbers in the file")
    if count is not None and classes is not None and count != len(classes):
        raise InputError(f"num_classes is {count}, but there are {len(classes)} classes")
    return WeightNotes(**notes)


def _read_spec(value: Any) -> str:
    check_argument("spec", value, str)
    return str(value)


def _read_count(value: Any) -> int:
    check_count("num_classes", value)
    return int(value)


def _read_classes(value: Any) -> tuple[str, ...]:
    check_argument("classes", value, list[str])
    return tuple(value)


def _read_shape(value: Any) -> tuple[int | None, ...]:
    wanted = "input_shape must be [3, T, H, W], whole numbers of at least 1"
    if not is_of(value, _SHAPE) or any(size is not None and size < 1 for size in value):
        raise InputError(wanted)
    if value[0] not in (3, None):
        raise InputError(f"{wanted}; got another number of channels")
    if math.prod(size or 1 for size in value) > _LARGEST_CLIP:
        raise InputError(f"{wanted}, and at most {_LARGEST_CLIP} values a clip")
    return tuple(value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "spec": _read_spec,
    "num_classes": _read_count,
    "classes": _read_classes,
    "input_shape": _read_shape,
    "mean": lambda value: read_per_channel("mean", value),
    "std": lambda value: read_per_channel("std", value),
    "layout": check_layout,
}
