import pytest
from hypothesis import given
from hypothesis import strategies as st

from advvid.errors import InputError
from advvid.training.order import derive_seed, epoch_keys, steps_per_epoch


@given(
    count=st.integers(1, 60),
    batches=st.integers(1, 8),
    world=st.integers(1, 4),
    seed=st.integers(0, 9),
    epoch=st.integers(0, 9),
)
def test_processes_share_the_batches_of_one(
    count: int, batches: int, world: int, seed: int, epoch: int
) -> None:
    batch_size = batches * world
    if count < world:
        with pytest.raises(InputError):
            epoch_keys(count, batch_size=batch_size, seed=seed, epoch=epoch, world=world)
        return
    whole = epoch_keys(count, batch_size=batch_size, seed=seed, epoch=epoch)
    indices = [index for index, _ in whole]
    assert len(set(indices)) == len(indices)
    assert set(indices) <= set(range(count))
    shares = [
        epoch_keys(count, batch_size=batch_size, seed=seed, epoch=epoch, rank=r, world=world)
        for r in range(world)
    ]
    assert len({len(share) for share in shares}) == 1
    local = batch_size // world
    for step in range(steps_per_epoch(count, batch_size)):
        joined = {key for share in shares for key in share[step * local : (step + 1) * local]}
        batch = whole[step * batch_size : (step + 1) * batch_size]
        assert joined <= set(batch)
        # Only a batch smaller than asked may lose clips, for equal shares.
        assert len(joined) == len(batch) // world * world


def test_every_epoch_has_its_own_order_and_draw() -> None:
    first = epoch_keys(20, batch_size=5, seed=0, epoch=0)
    assert first == epoch_keys(20, batch_size=5, seed=0, epoch=0)
    for other in (
        epoch_keys(20, batch_size=5, seed=0, epoch=1),
        epoch_keys(20, batch_size=5, seed=1, epoch=0),
    ):
        assert [index for index, _ in other] != [index for index, _ in first]
        assert {draw for _, draw in other}.isdisjoint({draw for _, draw in first})


def test_clips_that_fill_no_batch_wait() -> None:
    assert steps_per_epoch(11, 4) == 2
    assert len(epoch_keys(11, batch_size=4, seed=0, epoch=0)) == 8
    assert steps_per_epoch(3, 4) == 1
    assert len(epoch_keys(3, batch_size=4, seed=0, epoch=0)) == 3


def test_unshareable_batches_are_refused() -> None:
    with pytest.raises(InputError, match="empty"):
        epoch_keys(0, batch_size=4, seed=0, epoch=0)
    with pytest.raises(InputError, match="multiple of 2"):
        epoch_keys(10, batch_size=3, seed=0, epoch=0, world=2)


def test_derived_seeds_differ_and_fit_a_generator() -> None:
    seeds = {derive_seed("step", 0, iteration, rank) for iteration in range(50) for rank in (0, 1)}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**63 for seed in seeds)
