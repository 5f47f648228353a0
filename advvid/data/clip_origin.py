"""Where a clip comes from."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.errors import InputError
from advvid.methods.kinds import came


class ClipOrigin(NamedTuple):
    """The video that a clip is taken from, and its frames there."""

    video: str
    """Name that stays the same wherever the data lie."""
    frames: tuple[int, ...] = ()
    """Numbers of the frames in the video, from 0; empty where the clip is not taken from one."""
    path: str | None = None
    """File of the video, or None."""
    source: str | None = None
    """Recording that several videos are cut from, where the data set says so; else None."""

    @property
    def unit(self) -> str:
        """What is independent of others, so that intervals count it: the recording."""
        return self.source or self.video

    @property
    def file(self) -> str:
        """What is the same for two clips of one file, whatever their data sets call it."""
        return self.video if self.path is None else _resolved(self.path)


@cache
def _resolved(path: str) -> str:
    return str(Path(path).resolve())


def unit_numbers(origins: Iterable[ClipOrigin]) -> npt.NDArray[np.int64]:
    """Number the independent unit of each clip (N,), from 0, in the order in which they come.

    Recordings that share a file are one, whatever two data sets call it.
    """
    joined: dict[tuple[str, str], tuple[str, str]] = {}

    def first(key: tuple[str, str]) -> tuple[str, str]:
        while (above := joined.setdefault(key, key)) != key:
            joined[key] = key = joined[above]
        return key

    units = []
    for one in origins:
        units.append(("recording", one.unit))
        if one.path is not None:
            joined[first(("file", one.file))] = first(units[-1])
    known: dict[tuple[str, str], int] = {}
    return np.array([known.setdefault(first(unit), len(known)) for unit in units], dtype=np.int64)


def video_names(given: Any, count: int) -> list[str]:
    """Take what a caller calls the video of each clip, texts or whole numbers, as texts.

    Raises:
        InputError: unless there is one for each of `count` clips.
    """
    names = given.tolist() if isinstance(given, Tensor | np.ndarray) else given
    if not isinstance(names, list | tuple) or any(type(one) not in (str, int) for one in names):
        raise InputError(
            "videos must be a name or a number for each clip, such as ['a', 'a', 'b']; got "
            f"{came(given)}"
        )
    if len(names) != count:
        raise InputError(f"videos must be {count}, one a clip; got {len(names)}")
    return [str(one) for one in names]


def first_equals(clips: Tensor) -> list[int]:
    """Give for every clip (N, ...) the number of the first that has the same pixels."""
    flat = clips.flatten(1)
    # A few pixels tell most clips apart; only those that agree there are compared in full.
    few = flat[:, :: max(1, flat.shape[1] // 1024)].cpu().contiguous().numpy()
    alike: dict[bytes, list[int]] = {}
    firsts = []
    for position, row in enumerate(few):
        known = alike.setdefault(row.tobytes(), [])
        equal = (one for one in known if torch.equal(flat[one], flat[position]))
        first = next(equal, position)
        if first == position:
            known.append(position)
        firsts.append(first)
    return firsts
