import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advvid.data.sampling import Dense, Indices, Rng, Sampler, Uniform

counts = st.integers(1, 600)
lengths = st.integers(1, 64)
clip_numbers = st.integers(1, 10).flatmap(
    lambda clips: st.tuples(st.integers(0, clips - 1), st.just(clips))
)
seeds = st.none() | st.integers(0, 2**32 - 1)


def generator(seed: int | None) -> np.random.Generator | None:
    return None if seed is None else np.random.default_rng(seed)


def chosen(
    sampler: Sampler, count: int, frames: int, clip: int = 0, clips: int = 1, rng: Rng = None
) -> Indices:
    """Frames of the only clip of a video, in the evaluation view unless told otherwise."""
    return sampler(count, frames, clip=clip, clips=clips, rng=rng)


@given(counts, lengths, clip_numbers, seeds)
def test_uniform_takes_one_frame_of_each_segment(
    count: int, frames: int, clip: tuple[int, int], seed: int | None
) -> None:
    indices = chosen(Uniform(), count, frames, *clip, rng=generator(seed))
    assert indices.shape == (frames,)
    for i, index in enumerate(indices.tolist()):
        assert i * count // frames <= index <= (i + 1) * count / frames
        assert 0 <= index < count


@given(st.integers(1, 100), st.integers(1, 20))
def test_uniform_evaluation_view_is_the_middle_frame_of_each_whole_segment(
    length: int, frames: int
) -> None:
    indices = chosen(Uniform(), length * frames, frames)
    assert indices.tolist() == [i * length + length // 2 for i in range(frames)]


def test_uniform_short_video_shows_each_frame_in_order() -> None:
    assert chosen(Uniform(), 3, 6).tolist() == [0, 0, 1, 1, 2, 2]
    assert chosen(Uniform(), 1, 4).tolist() == [0, 0, 0, 0]


@given(counts, lengths, st.integers(2, 10))
def test_uniform_clips_of_a_video_follow_one_another(count: int, frames: int, clips: int) -> None:
    rows = np.stack([chosen(Uniform(), count, frames, clip=k, clips=clips) for k in range(clips)])
    assert (np.diff(rows.T.ravel()) >= 0).all()
    if count >= frames * clips:
        assert len(np.unique(rows)) == rows.size


@given(counts, lengths, st.integers(1, 8), clip_numbers, seeds)
def test_dense_keeps_its_stride_and_loops_short_videos(
    count: int, frames: int, stride: int, clip: tuple[int, int], seed: int | None
) -> None:
    indices = chosen(Dense(stride), count, frames, *clip, rng=generator(seed))
    assert indices.shape == (frames,)
    assert indices.min() >= 0
    assert indices.max() < count
    assert (np.diff(indices) % count == stride % count).all()
    if (frames - 1) * stride < count:
        assert (np.diff(indices) == stride).all()


@given(counts, lengths, st.integers(1, 4))
def test_dense_evaluation_window_is_centered(count: int, frames: int, stride: int) -> None:
    indices = chosen(Dense(stride), count, frames)
    if (frames - 1) * stride < count:
        before, after = indices[0], count - 1 - indices[-1]
        assert 0 <= after - before <= 1
    else:
        assert indices[0] == 0


def test_dense_clips_are_spread_over_the_video() -> None:
    starts = [chosen(Dense(), 100, 11, clip=k, clips=3)[0] for k in range(3)]
    assert starts == [14, 44, 74]


@pytest.mark.parametrize("sampler", [Uniform(), Dense()])
def test_training_view_reaches_every_frame(sampler: Sampler) -> None:
    rng = np.random.default_rng(0)
    seen = {int(i) for _ in range(400) for i in chosen(sampler, 20, 4, rng=rng)}
    assert seen == set(range(20))
