import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from advvid.random_streams import clip_seeds, uniform

_MASK = (1 << 64) - 1


def splitmix_finalizer(z: int) -> int:
    """The published finalizer, with Python's unbounded integers."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), position=st.integers(0, 2**40))
def test_seeds_are_the_published_hash(seed: int, position: int) -> None:
    golden = 0x9E3779B97F4A7C15
    expected = splitmix_finalizer((splitmix_finalizer(seed) + position * golden) & _MASK)
    got = int(clip_seeds(seed, torch.tensor([position]))[0]) & _MASK
    assert got == expected


def test_numbers_are_uniform_and_independent_between_clips_and_streams() -> None:
    seeds = clip_seeds(0, 40)
    numbers = uniform(seeds, (3, 50, 10)).numpy()
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 1e-3
    flat = numbers.reshape(40, -1)
    correlation = np.corrcoef(flat)[~np.eye(40, dtype=bool)]
    assert np.abs(correlation).max() < 5 / np.sqrt(flat.shape[1])
    other = uniform(seeds, (3, 50, 10), stream=1).numpy().reshape(40, -1)
    assert abs(np.corrcoef(flat.ravel(), other.ravel())[0, 1]) < 0.02
    neighbors = np.corrcoef(flat[:, :-1].ravel(), flat[:, 1:].ravel())[0, 1]
    assert abs(neighbors) < 0.02


def test_a_clip_has_the_same_numbers_in_any_batch() -> None:
    whole = uniform(clip_seeds(7, 10), (4, 5))
    part = uniform(clip_seeds(7, torch.tensor([8, 3])), (4, 5))
    assert torch.equal(part, whole[[8, 3]])
    assert not torch.equal(uniform(clip_seeds(8, 10), (4, 5)), whole)


@pytest.mark.parametrize("stream", [0, 1, 5, 1 << 20])
def test_streams_differ(stream: int) -> None:
    seeds = clip_seeds(0, 2)
    others = [uniform(seeds, (100,), stream=s) for s in (0, 1, 5, 1 << 20) if s != stream]
    here = uniform(seeds, (100,), stream=stream)
    assert all((here - other).abs().mean() > 0.1 for other in others)


def test_a_generator_gives_a_seed_and_moves_on() -> None:
    first, second = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    assert torch.equal(clip_seeds(first, 3), clip_seeds(second, 3))
    assert not torch.equal(clip_seeds(first, 3), clip_seeds(torch.Generator().manual_seed(1), 3))
