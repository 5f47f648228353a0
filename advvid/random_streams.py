"""Random numbers that belong to a clip, not to a batch.

Every number is a hash of (seed of the clip, name of the stream, position), so the same clip gets
the same numbers in any batch, on any rank and on any device, and nothing has to be saved to resume.
The hash is the finalizer of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom
number generators", Fig. 16), applied twice. PyTorch has no unsigned 64-bit arithmetic, but signed
multiplication and addition wrap around to the same bits.
"""

import hashlib
import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

_GOLDEN_GAMMA = 0x9E3779B97F4A7C15 - (1 << 64)
_MIX_1 = 0xBF58476D1CE4E5B9 - (1 << 64)
_MIX_2 = 0x94D049BB133111EB - (1 << 64)


def clip_seeds(
    seed: int | torch.Generator, clips: int | Tensor, *, device: torch.device | None = None
) -> Tensor:
    """Give every clip of a run a seed of its own.

    Args:
        seed: the seed of the run, or a generator from which one is drawn.
        clips: positions of the clips in the whole run, int64 (B,); a number B stands for 0 to B-1.
        device: where the seeds are wanted; None is where the positions are.

    Returns:
        int64 (B,), a function of (seed, position) alone.
    """
    if isinstance(seed, torch.Generator):
        seed = int(torch.randint(2**62, (), generator=seed, device=seed.device))
    seed %= 2**63
    position = torch.arange(clips) if isinstance(clips, int) else clips.to(torch.int64)
    position = position.to(device or position.device)
    return _mix(_mix(torch.full_like(position, seed)) + position * _GOLDEN_GAMMA)


def seeds_of(seed: int | torch.Generator | Tensor, clips: Tensor) -> Tensor:
    """Give each clip of a batch its seed, int64 (B,) on its device, in whatever form it came.

    Args:
        seed: one number a clip, int64 (B,); or of a run whose first clips these are.
        clips: (B, ...).
    """
    if isinstance(seed, Tensor):
        return seed.to(clips.device)
    return clip_seeds(seed, len(clips), device=clips.device)


def uniform(seeds: Tensor, shape: Sequence[int], *, stream: str, draw: int = 0) -> Tensor:
    """Draw numbers uniform in [0, 1), each clip from its own stream.

    Args:
        seeds: int64 (B,), see `clip_seeds`.
        shape: shape of the numbers of one clip.
        stream: what the numbers are for, such as "pgd start". Two uses have two names, so that they
            never share their numbers.
        draw: counts the draws of one use (restarts, queries), at least 0.

    Returns:
        float32 (B, *shape) on the device of `seeds`, with 24 random bits each.
    """
    # The product is one of tensors, which wraps around where Python's would not fit.
    number = torch.full_like(seeds, draw + 1) * _GOLDEN_GAMMA
    key = _mix(seeds ^ _mix(number + _hash(stream)))
    position = torch.arange(math.prod(shape), dtype=torch.int64, device=seeds.device)
    bits = _mix(key[:, None] + (position + 1) * _GOLDEN_GAMMA)
    # The upper 24 bits fill the significand of a float32 exactly.
    return _shift_right(bits, 40).to(torch.float32).mul_(2.0**-24).view(len(seeds), *shape)


def generator(seed: int, *, stream: str) -> np.random.Generator:
    """Give numpy's generator for what is drawn once in a run; each name of a stream has its own."""
    return np.random.default_rng((seed % 2**63, _hash(stream)))


@cache
def _hash(name: str) -> int:
    """Give 63 bits that tell names apart."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _mix(z: Tensor) -> Tensor:
    """Scramble 64 bits."""
    z = (z ^ _shift_right(z, 30)) * _MIX_1
    z = (z ^ _shift_right(z, 27)) * _MIX_2
    return z ^ _shift_right(z, 31)


def _shift_right(z: Tensor, bits: int) -> Tensor:
    """Shift right as if unsigned: the sign bit is not copied."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)
