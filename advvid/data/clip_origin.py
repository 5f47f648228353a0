"""Where a clip comes from."""

from typing import NamedTuple

import torch
from torch import Tensor


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
