import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from advvid.evaluation import Accuracy


@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilson_interval_agrees_with_scipy(count: int, share: float) -> None:
    correct = round(share * count)
    bounds = stats.binomtest(correct, count).proportion_ci(0.95, method="wilson")
    assert Accuracy(correct, count).interval == pytest.approx((bounds.low, bounds.high), abs=1e-9)


def test_it_reads_in_percent() -> None:
    assert str(Accuracy(1, 3)) == "33.3 [6.1, 79.2]"
    assert str(Accuracy(0.5, 1)).startswith("50.0 [")
