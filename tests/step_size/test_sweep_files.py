"""Files of a sweep that somebody else wrote, or that are damaged: one line each."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advvid.attacks import StepSizeLaw
from advvid.errors import InputError
from advvid.step_size.finished_clips import FinishedClips
from advvid.step_size.surface import StepSizeSurface


def or_error(read: Callable[[], Any]) -> Any:
    """Give what is read, or the error that a user sees; any other is raised."""
    try:
        return read()
    except InputError as error:
        return error


def damaged_laws() -> st.SearchStrategy[str]:
    """JSON of any kind, and laws with one value of any kind."""
    leaves = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5)
    anything = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    )
    whole = {
        "slope": 0.2,
        "intercept": 0.2,
        "slope_interval": [0.1, 0.3],
        "intercept_interval": [0.1, 0.3],
        "r_squared": 0.9,
        "resolution": 0.1,
        "source": "",
    }
    one_off = st.builds(
        lambda key, value: {**whole, key: value}, st.sampled_from(list(whole)), anything
    )
    return (anything | one_off).map(json.dumps)


@settings(max_examples=150, deadline=None)
@given(text=damaged_laws())
@example(text="[" * 100_000)
@example(text='{"slope": ' + "9" * 5000 + ', "intercept": 0}')
@example(text='{"slope": 1e309, "intercept": 0}')
@example(text='{"slope": true, "intercept": 0}')
@example(text='{"slope": "0.2", "intercept": 0}')
@example(text='{"slope": 1, "intercept": 0, "slope_interval": [0, NaN]}')
@example(text='{"slope": 1, "intercept": 0, "r_squared": [1]}')
def test_a_hostile_law_is_refused_in_one_line_or_is_a_law(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.json"
    path.write_text(text)
    law = or_error(lambda: StepSizeLaw.load(path))
    if isinstance(law, InputError):
        assert re.search(
            r"does not hold a step-size law|cannot read .*(JSON|not an object)", str(law)
        )
        assert "\n" not in str(law)
        return
    numbers = [law.slope, law.intercept, *(law.slope_interval or ()), law.r_squared or 0.0]
    assert all(isinstance(number, float) and math.isfinite(number) for number in numbers)
    assert math.isfinite(law(8 / 255))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\0" * 100, b""])
def test_a_law_that_is_no_text_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "law.json").write_bytes(content)
    with pytest.raises(InputError, match=r"law\.json: it is no JSON of advvid"):
        StepSizeLaw.load(tmp_path / "law.json")
    for other in (tmp_path, tmp_path / "missing", tmp_path / ("x" * 5000)):
        with pytest.raises(InputError, match="no such file"):
            StepSizeLaw.load(other)


WHOLE: dict[str, Any] = {
    "eps": np.array([4 / 255, 8 / 255]),
    "step_sizes": np.array([[1.0, 2], [2, 4]]) / 255,
    "losses": np.ones((2, 2, 3, 4), np.float32),
    "correct": np.ones((2, 2, 3, 4), bool),
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"eps": np.array([8 / 255, 4 / 255])},
        {"eps": np.array([4, 8])},
        {"eps": np.array(["4", "8"])},
        {"eps": np.float64(4)},
        {"eps": np.array([])},
        {"step_sizes": np.ones((2, 3))},
        {"step_sizes": np.array([[0.0, 1], [1, 2]])},
        {"losses": np.full((2, 2, 3, 4), np.nan, np.float32)},
        {"losses": np.ones((2, 2, 3), np.float32)},
        {"losses": np.ones((2, 2, 3, 0), np.float32)},
        {"correct": np.ones((2, 2, 3, 4), int)},
        {"gradients": np.array(["many"])},
        {"gradients": np.array([1, 2])},
    ],
)
def test_a_hostile_surface_is_refused_in_one_line(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = tmp_path / "surface.npz"
    np.savez(path, **WHOLE)
    assert StepSizeSurface.load(path).gradients == 0
    np.savez(path, **{**WHOLE, **wrong})
    with pytest.raises(InputError, match=r"cannot read a sweep from .*surface\.npz: [^\n]+$"):
        StepSizeSurface.load(path)
    np.savez(path, **{key: value for key, value in WHOLE.items() if key not in wrong})
    if set(wrong) & set(WHOLE):
        with pytest.raises(InputError, match=r"surface\.npz"):
            StepSizeSurface.load(path)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_flipped_bytes_of_a_surface_are_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    np.savez(folder / "whole.npz", **WHOLE)
    content = bytearray((folder / "whole.npz").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "flipped.npz").write_bytes(content[: data.draw(st.integers(1, len(content)))])
    path = folder / "flipped.npz"
    for found in (
        or_error(lambda: StepSizeSurface.load(path)),
        or_error(lambda: FinishedClips(path, "mark", 4, 4)),
    ):
        assert not isinstance(found, InputError) or "\n" not in str(found)


def test_records_of_another_shape_are_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    good: dict[str, Any] = {"fingerprint": np.array("mark"), "losses": np.ones((4, 3), np.float32)}
    for losses, correct in (
        (np.ones((5, 3), np.float32), np.ones((5, 3), bool)),
        (np.ones((4, 9), np.float32), np.ones((4, 9), bool)),
        (np.ones((4, 3), np.float32), np.ones((4, 2), bool)),
        (np.ones((4, 3), int), np.ones((4, 3), bool)),
        (np.ones((4,), np.float32), np.ones((4,), bool)),
    ):
        np.savez(path, **{**good, "losses": losses}, correct=correct)
        with pytest.raises(InputError, match=r"part\.npz"):
            FinishedClips(path, "mark", 4, 4)
    np.savez(path, **good, correct=np.ones((4, 3), bool))
    assert FinishedClips(path, "mark", 4, 4).clips == 3
