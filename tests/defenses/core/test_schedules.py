import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advvid.defenses import Schedule, as_schedule, read_schedule
from advvid.errors import InputError


def by_epoch(schedule: Schedule, epochs: int) -> list[float]:
    return [schedule.at(epoch, epochs) for epoch in range(epochs)]


def test_value_by_value() -> None:
    assert by_epoch(as_schedule(8), 3) == [8, 8, 8]
    assert by_epoch(Schedule("linear", (0, 12)), 5) == [0, 3, 6, 9, 12]
    assert by_epoch(Schedule("linear", (12, 0)), 5) == [12, 9, 6, 3, 0]
    halves = [12 * (1 - math.cos(math.pi * p)) / 2 for p in (0, 0.25, 0.5, 0.75, 1)]
    assert by_epoch(Schedule("cosine", (0, 12)), 5) == pytest.approx(halves)
    assert by_epoch(Schedule("list", (0, 4, 8)), 7) == [0, 0, 0, 4, 4, 8, 8]
    assert by_epoch(Schedule("list", (0, 4, 8)), 2) == [0, 4]


def test_a_run_of_one_epoch_is_its_end() -> None:
    assert by_epoch(Schedule("linear", (0, 12)), 1) == [12]


def test_within_epochs() -> None:
    schedule = Schedule("linear", (0, 6), "iteration")
    assert [schedule.at(0, 2, i, 4) for i in range(4)] == [0, 2, 4, 6]
    assert Schedule("list", (1, 5), "iteration").at(0, 1, 3, 4) == 5


@given(
    st.sampled_from(["linear", "cosine"]),
    st.floats(0, 16),
    st.floats(0, 16),
    st.integers(1, 30),
)
def test_goes_from_first_to_last_without_turning(
    kind: str, first: float, last: float, epochs: int
) -> None:
    values = by_epoch(Schedule(kind, (first, last)), epochs)  # type: ignore[arg-type]
    assert values[-1] == pytest.approx(last)
    if epochs > 1:
        assert values[0] == pytest.approx(first)
    ordered = sorted(values) if last >= first else sorted(values, reverse=True)
    assert values == pytest.approx(ordered)


def test_text() -> None:
    assert read_schedule("8") == as_schedule(8)
    assert read_schedule("linear:0:12") == Schedule("linear", (0, 12))
    assert read_schedule("cosine:0:12@iteration") == Schedule("cosine", (0, 12), "iteration")
    assert read_schedule("list:0:4:8:12").values == (0, 4, 8, 12)
    assert read_schedule("linear:0:255").scaled(1 / 255).values == (0, 1)


@pytest.mark.parametrize("text", ["", "eight", "linear", "linear:0", "line:0:1", "8@step", "nan"])
def test_invalid_texts_are_one_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_schedule(text)
    assert "\n" not in str(caught.value)
