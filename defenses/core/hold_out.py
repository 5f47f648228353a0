"""Clips held out from training, to measure on."""

import numpy as np

from advvid.checks import check_count
from advvid.data.clip_dataset import ClipDataset, balanced_order
from advvid.errors import InputError
from advvid.methods.arguments import checked

_SHARE, _MOST = 10, 1000


@checked
def hold_out(
    data: ClipDataset, count: int | None = None, *, seed: int = 0
) -> tuple[ClipDataset, ClipDataset]:
    """Split a data set into what is trained on and what is held out, evenly over the classes.

    Args:
        data: N clips.
        count: clips held out; None is a tenth of N, at most 1,000, at least 1.
        seed: of the choice.

    Returns:
        The rest, in the order of the data set, and the clips that are held out.

    Raises:
        InputError: when nothing would be left on one side.
    """
    count = max(1, min(len(data) // _SHARE, _MOST)) if count is None else count
    check_count("held_out", count)
    if count >= len(data):
        raise InputError(f"cannot hold out {count} of {len(data)} clips: nothing is left to train")
    order = balanced_order(data.labels, np.random.default_rng(seed))
    kept = order[:count]
    rest = np.setdiff1d(np.arange(len(data)), kept)
    return data.subset(rest.tolist()), data.subset(kept.tolist())
