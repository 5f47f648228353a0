import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from advvid.evaluation import Accuracy

VIDEOS, RUNS = 20, 400


@given(st.integers(2, 5000), st.floats(0, 1))
def test_wilson_interval_agrees_with_scipy(count: int, share: float) -> None:
    correct = round(share * count)
    bounds = stats.binomtest(correct, count).proportion_ci(0.95, method="wilson")
    assert Accuracy(correct, count).interval == pytest.approx((bounds.low, bounds.high), abs=1e-9)


def test_it_reads_in_percent() -> None:
    assert str(Accuracy(1, 3)) == "33.3 [6.1, 79.2]"
    assert str(Accuracy(0.5, 2)).startswith("25.0 [")


def test_one_video_has_no_interval_however_many_clips_it_gives() -> None:
    flags, one_video = np.ones(100, dtype=bool), np.zeros(100, dtype=int)
    assert Accuracy.over(flags, one_video).interval is None
    assert str(Accuracy.over(flags, one_video)) == "100.0 (one video: no interval)"
    assert str(Accuracy(1, 1)) == "100.0 (one clip: no interval)"


def test_one_clip_a_video_is_wilson_as_ever() -> None:
    flags = np.arange(50) % 4 == 0
    assert Accuracy.over(flags, np.arange(50)[::-1]) == Accuracy(13, 50)
    assert Accuracy.over(flags) == Accuracy(13, 50)


def test_copies_of_clips_narrow_no_interval() -> None:
    flags, videos = np.arange(20) % 3 > 0, np.arange(20)
    alone = Accuracy.over(flags, videos)
    tenfold = Accuracy.over(np.repeat(flags, 10), np.repeat(videos, 10))
    assert alone.interval is not None
    assert tenfold.interval is not None
    assert tenfold.interval[0] <= alone.interval[0] < alone.interval[1] <= tenfold.interval[1]
    assert (tenfold.count, tenfold.units) == (200, 20)
    assert tenfold.effective == pytest.approx(20, rel=0.06)


def covered(share: float, agreement: float, per_video: int) -> tuple[float, float]:
    """How often the interval, and that of independent clips, holds the true share.

    Each video has a share of its own (beta), whose spread makes clips of it agree.
    """
    rng = np.random.default_rng(0)
    spread = 1 / agreement - 1 if agreement else None
    videos = np.repeat(np.arange(VIDEOS), per_video)
    hits = np.zeros(2)
    for _ in range(RUNS):
        own = (
            np.full(VIDEOS, share)
            if spread is None
            else rng.beta(share * spread, (1 - share) * spread, VIDEOS)
        )
        flags = rng.random(len(videos)) < own[videos]
        for way, found in enumerate((Accuracy.over(flags, videos), Accuracy.over(flags))):
            assert found.interval is not None
            hits[way] += found.interval[0] <= share <= found.interval[1]
    over_videos, over_clips = hits / RUNS
    return float(over_videos), float(over_clips)


@pytest.mark.parametrize("agreement", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("share", [0.5, 0.85])
def test_the_interval_covers_the_truth_where_clips_of_a_video_agree(
    share: float, agreement: float
) -> None:
    # The standard error of 95% of 400 runs is 1.1%.
    over_videos, over_clips = covered(share, agreement, per_video=5)
    assert over_videos >= 0.92
    if agreement:
        assert over_clips < 0.85
    else:
        assert over_videos - over_clips < 0.06
