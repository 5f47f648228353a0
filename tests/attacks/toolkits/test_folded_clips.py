import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from advvid.attacks.toolkits.folded_clips import Fold, FoldedModel, fold_time, unfold_time
from advvid.attacks.toolkits.global_random import global_seed
from tests.clip_models import CLASSES, LinearClipModel, random_clips


@settings(max_examples=30, deadline=None)
@given(
    fold=st.sampled_from(["clips", "channels", "height", "NTHWC"]),
    frames=st.integers(1, 5),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
)
def test_folds_are_undone_and_the_model_sees_the_clips(
    fold: Fold, frames: int, height: int, width: int
) -> None:
    shape = (3, frames, height, width)
    clips, _ = random_clips(2, shape)
    images = fold_time(clips, fold)
    assert torch.equal(unfold_time(images, fold, channels=3, frames=frames), clips)
    model = LinearClipModel(shape, CLASSES)
    logits = model(clips)
    torch.testing.assert_close(FoldedModel(model, fold, clips)(images), logits)
    likely = FoldedModel(model, fold, clips, probabilities=True)(images)
    torch.testing.assert_close(likely, logits.softmax(1))


def test_frames_become_channels_or_lie_below_each_other() -> None:
    clips, _ = random_clips(2, (3, 4, 5, 6))
    channels, height = fold_time(clips, "channels"), fold_time(clips, "height")
    assert channels.shape == (2, 12, 5, 6)
    assert height.shape == (2, 3, 20, 6)
    for c in range(3):
        for t in range(4):
            assert torch.equal(channels[:, 4 * c + t], clips[:, c, t])
            assert torch.equal(height[:, c, 5 * t : 5 * (t + 1)], clips[:, c, t])


def test_global_generators_are_seeded_and_restored() -> None:
    def draw() -> tuple[float, float, float]:
        return float(torch.rand(())), float(np.random.rand()), random.random()  # noqa: NPY002

    with global_seed(-5):
        torch.manual_seed(3)
        np.random.seed(3)  # noqa: NPY002
        random.seed(3)
        expected = draw()
        torch.manual_seed(3)
        np.random.seed(3)  # noqa: NPY002
        random.seed(3)
        with global_seed(7):
            inside = draw()
        assert draw() == expected
    with global_seed(7):
        assert draw() == inside
    with global_seed(8):
        assert draw() != inside

    outside = torch.random.get_rng_state()
    with pytest.raises(RuntimeError), global_seed(1):
        torch.rand(-1)
    assert torch.equal(torch.random.get_rng_state(), outside)


def test_generators_that_are_made_without_a_seed_get_one() -> None:
    plain, older = np.random.RandomState, np.random.RandomState(5)

    def draw() -> float:
        return float(np.random.RandomState().uniform())

    with global_seed(7):
        first, second = draw(), draw()
        with global_seed(7):
            assert draw() == first
        assert isinstance(older, np.random.RandomState)
        assert np.random.RandomState(3).uniform() == plain(3).uniform()
    with global_seed(7):
        assert (draw(), draw()) == (first, second)
    assert first != second
    assert np.random.RandomState is plain
    with pytest.raises(RuntimeError), global_seed(1):
        torch.rand(-1)
    assert np.random.RandomState is plain
