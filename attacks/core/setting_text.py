"""Settings of attacks as text, such as "ratio=0.15,max_iter=50"."""

import inspect
import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.core.video_attack import VideoAttack

Reader = Callable[[str], Any]
"""Turns the text of one setting into its value; raises ValueError when it cannot."""

# What an evaluation decides itself; targets cannot be given by a text.
_NOT_SETTINGS = ("self", "estimator", "targeted", "seed", "verbose", "batch_size")


def class_readers(attack: type[VideoAttack]) -> dict[str, Reader]:
    """Find the settings of a class that a text can hold, and how to read each.

    They are the arguments of `__init__`, those of parent attacks included; the annotation decides.
    """
    readers: dict[str, Reader] = {}
    for cls in reversed(attack.__mro__):
        if not issubclass(cls, VideoAttack) or cls is VideoAttack:
            continue
        for name, parameter in inspect.signature(cls.__init__).parameters.items():
            reader = reader_of(parameter.annotation)
            if name not in _NOT_SETTINGS and reader is not None:
                readers[name] = reader
    return readers


def reader_of(annotation: Any) -> Reader | None:
    """Choose how to read a setting from its annotation; None where text cannot hold it."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()
    kinds = kinds or (annotation,)
    if StepSizeLaw in kinds:
        return read_step
    readers: tuple[tuple[Any, Reader], ...] = (
        (tuple[int, int], read_pair),
        (bool, read_flag),
        (int, int),
        (float, read_fraction),
        (str, str),
    )
    for kind, reader in readers:
        if kind in kinds:
            return reader
    return None


def read_step(text: str) -> float | StepSizeLaw:
    """Read a step size: a fraction of the pixel range, or the file of a law."""
    return StepSizeLaw.load(text) if text.endswith(".json") else read_fraction(text)


def read_fraction(text: str) -> float:
    """Read a number, or a quotient such as 8/255."""
    numerator, slash, denominator = text.partition("/")
    if slash and float(denominator) == 0:
        raise ValueError(text)
    return float(numerator) / float(denominator) if slash else float(text)


def read_pair(text: str) -> tuple[int, int]:
    """Read two whole numbers, such as 12x16."""
    first, times, second = text.partition("x")
    if not times:
        raise ValueError(text)
    return int(first), int(second)


def read_flag(text: str) -> bool:
    """Read yes or no."""
    if text.lower() in ("true", "yes", "1"):
        return True
    if text.lower() in ("false", "no", "0"):
        return False
    raise ValueError(text)
