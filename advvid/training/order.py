"""Which clips a step sees: a function of (seed, epoch) alone, so resuming needs no saved state."""

import hashlib

import torch

from advvid.errors import InputError


def derive_seed(*parts: int | str) -> int:
    """Hash numbers and words to a seed in [0, 2^63)."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Count the full batches in `count` clips; one smaller batch where there is no full one."""
    return max(1, count // batch_size)


def epoch_keys(
    count: int, *, batch_size: int, seed: int, epoch: int, rank: int = 0, world: int = 1
) -> list[tuple[int, int]]:
    """Order the clips of an epoch, and give each process its share of every batch.

    Only full batches are used, so the last `count % batch_size` clips of the shuffled order sit
    out this epoch. With several processes step i still sees the clips that it sees with one.

    Args:
        count: clips in the data set.
        batch_size: clips in a step over all processes, a multiple of `world`.
        seed: of the run.
        epoch: 0 and on.
        rank: of this process, 0 to world - 1.
        world: number of processes.

    Returns:
        Keys (index, draw) of this process, `batch_size / world` for each step.

    Raises:
        InputError: when there is no clip for some process.
    """
    if count < 1:
        raise InputError("the training set is empty: check `data` and its split")
    if batch_size % world or count < world:
        raise InputError(
            f"{world} processes cannot share batches of {batch_size} of {count} clips: make the "
            f"batch size a multiple of {world}, and give each process a clip"
        )
    order = torch.randperm(
        count, generator=torch.Generator().manual_seed(derive_seed("order", seed, epoch))
    )
    used = count // batch_size * batch_size or count - count % world
    draw = derive_seed("draw", seed, epoch)
    return [(index, draw) for index in order[:used][rank::world].tolist()]
