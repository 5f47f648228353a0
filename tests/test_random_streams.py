import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from advvid.random_streams import clip_seeds, uniform

ROOT = Path(__file__).resolve().parents[1]
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
    numbers = uniform(seeds, (3, 50, 10), stream="a").numpy()
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 1e-3
    flat = numbers.reshape(40, -1)
    correlation = np.corrcoef(flat)[~np.eye(40, dtype=bool)]
    assert np.abs(correlation).max() < 5 / np.sqrt(flat.shape[1])
    other = uniform(seeds, (3, 50, 10), stream="b").numpy().reshape(40, -1)
    assert abs(np.corrcoef(flat.ravel(), other.ravel())[0, 1]) < 0.02
    neighbors = np.corrcoef(flat[:, :-1].ravel(), flat[:, 1:].ravel())[0, 1]
    assert abs(neighbors) < 0.02


def test_a_clip_has_the_same_numbers_in_any_batch() -> None:
    whole = uniform(clip_seeds(7, 10), (4, 5), stream="a")
    part = uniform(clip_seeds(7, torch.tensor([8, 3])), (4, 5), stream="a")
    assert torch.equal(part, whole[[8, 3]])
    assert not torch.equal(uniform(clip_seeds(8, 10), (4, 5), stream="a"), whole)


@pytest.mark.parametrize("stream", ["pgd start", "noise", "square block", ""])
def test_names_and_draws_differ(stream: str) -> None:
    seeds = clip_seeds(0, 2)
    here = uniform(seeds, (100,), stream=stream)
    others = [
        uniform(seeds, (100,), stream=name, draw=draw)
        for name in ("pgd start", "noise", "square block", "")
        for draw in (0, 1, 5, 1 << 26)
        if (name, draw) != (stream, 0)
    ]
    assert all((here - other).abs().mean() > 0.1 for other in others)


def test_every_use_of_random_numbers_has_a_name_of_its_own() -> None:
    uses: dict[str, set[str]] = {}
    for folder in ("advvid", "attacks", "defenses"):
        for path in (ROOT / folder).rglob("*.py"):
            if (ROOT / folder).is_symlink() or "advvid/attacks" in str(path.relative_to(ROOT)):
                continue
            for name in re.findall(r'stream(?:: str)?\s?=\s?"([^"]+)"', path.read_text()):
                uses.setdefault(name, set()).add(path.resolve().relative_to(ROOT).as_posix())
    # A sweep equals runs of PGD, so it starts where they do.
    assert uses.pop("pgd start") == {"attacks/pgd.py", "advvid/step_size/sweep.py"}
    shared = {name: files for name, files in uses.items() if len(files) > 1}
    assert not shared
    assert len(uses) > 8


def test_a_generator_gives_a_seed_and_moves_on() -> None:
    first, second = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    assert torch.equal(clip_seeds(first, 3), clip_seeds(second, 3))
    assert not torch.equal(clip_seeds(first, 3), clip_seeds(torch.Generator().manual_seed(1), 3))
