import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from advvid.augmentation import (
    AUGMENTATIONS,
    Augmentation,
    Crop,
    Flip,
    PermuteColors,
    Roll,
    center_crop,
    read_chain,
    view,
)
from advvid.errors import InputError

shapes = st.tuples(st.just(3), st.integers(1, 3), st.integers(6, 20), st.integers(6, 20))


def clip_of(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, shape, dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", AUGMENTATIONS)
@given(shape=shapes, seed=st.integers(0, 99))
def test_a_view_depends_on_the_generator_alone_and_the_clip_stays(
    name: str, shape: tuple[int, ...], seed: int
) -> None:
    (augmentation,) = read_chain(name, size=6)
    clip = clip_of(shape)
    before = clip.clone()
    found = augmentation(clip, np.random.default_rng(seed))
    assert torch.equal(clip, before)
    assert found.dtype == torch.uint8
    assert found.shape[:2] == clip.shape[:2]
    assert torch.equal(found, augmentation(clip, np.random.default_rng(seed)))


@given(shape=shapes, size=st.integers(1, 6), seed=st.integers(0, 99))
def test_a_crop_is_one_window_of_all_frames(shape: tuple[int, ...], size: int, seed: int) -> None:
    clip = clip_of(shape)
    found = Crop(size)(clip, np.random.default_rng(seed))
    windows = clip.unfold(2, size, 1).unfold(3, size, 1)
    assert any(
        torch.equal(found, windows[:, :, y, x])
        for y in range(windows.shape[2])
        for x in range(windows.shape[3])
    )


def test_crops_reach_every_place_and_the_center_is_the_middle() -> None:
    clip = torch.arange(5 * 4, dtype=torch.uint8).view(1, 1, 5, 4).expand(3, 2, 5, 4)
    corners = {int(Crop(3)(clip, np.random.default_rng(s))[0, 0, 0, 0]) for s in range(99)}
    assert corners == {0, 1, 4, 5, 8, 9}
    assert int(center_crop(clip, 3)[0, 0, 0, 0]) == 4
    with pytest.raises(InputError, match="6 x 6 pixels out of frames of 5 x 4"):
        center_crop(clip, 6)


def test_flip_mirrors_as_often_as_told() -> None:
    clip = clip_of((3, 2, 6, 8))
    views = [Flip(0.25)(clip, np.random.default_rng(seed)) for seed in range(200)]
    mirrored = sum(torch.equal(one, clip.flip(-1)) for one in views)
    assert sum(torch.equal(one, clip) for one in views) == 200 - mirrored
    assert 30 < mirrored < 70
    with pytest.raises(InputError, match=r"probability must be at least 0 and at most 1; got 1\.5"):
        Flip(1.5)


@given(shape=shapes, seed=st.integers(0, 99))
def test_rolled_and_recolored_clips_hold_the_same_pixels(shape: tuple[int, ...], seed: int) -> None:
    clip = clip_of(shape)
    rolled = Roll()(clip, np.random.default_rng(seed))
    assert torch.equal(rolled.flatten(2).sort().values, clip.flatten(2).sort().values)
    recolored = PermuteColors()(clip, np.random.default_rng(seed))
    assert torch.equal(recolored.sort(0).values, clip.sort(0).values)


def test_a_chain_draws_in_its_order() -> None:
    clip = clip_of((3, 2, 9, 9))
    rng = np.random.default_rng(5)
    expected = Flip()(Crop(4)(clip, rng), rng)
    chain: tuple[Augmentation, ...] = (Crop(4), Flip())
    assert torch.equal(view(clip, chain, np.random.default_rng(5), (3, 2, 4, 4)), expected)
    assert torch.equal(view(clip, chain, None, (3, 2, 4, 4)), center_crop(clip, 4))
    assert read_chain(["crop", Flip()], size=4) == chain
    assert read_chain("crop:size=3", size=4) == (Crop(3),)
