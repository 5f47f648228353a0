"""Whatever the notes beside weights hold: they are right, or refused in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from advvid.errors import InputError
from advvid.models import VideoModel, load_model, load_weights, save_weights
from advvid.models.weights.notes import WeightNotes, read_notes

NOTES = tuple(WeightNotes.__dataclass_fields__)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([10**9, 10**400, -1, "NTCHW", "motions-r3d", [3, 8, 32, 32], [0.5] * 3]),
    lambda inside: (
        st.lists(inside, max_size=5) | st.dictionaries(st.text(max_size=3), inside, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def model() -> VideoModel:
    return load_model("motions-r3d", weights="none")


@given(notes=st.dictionaries(st.sampled_from(NOTES), VALUES))
@settings(max_examples=200, deadline=None)
def test_any_notes_are_right_or_refused(notes: dict[str, Any]) -> None:
    try:
        read = read_notes(notes, parameters=1000)
    except InputError:
        return
    assert read.num_classes is None or 1 <= read.num_classes <= 1000
    assert read.mean is None or torch.tensor(read.mean).isfinite().all()
    assert read.std is None or min(read.std) > 0
    assert (read.mean is None) == (read.std is None)
    assert read.layout in (None, "NCTHW", "NTCHW", "NTHWC")
    assert read.input_shape is None or len(read.input_shape) == 4
    assert read.classes is None or all(isinstance(name, str) for name in read.classes)


@given(name=st.sampled_from(NOTES), value=VALUES)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_file_with_any_note_is_loaded_or_refused(
    name: str, value: Any, model: VideoModel, tmp_path: Path
) -> None:
    write(tmp_path / "w.safetensors", json.dumps({name: value}), model)
    try:
        loaded = load_model("motions-r3d", weights=tmp_path / "w.safetensors")
    except InputError:
        return
    shape = loaded.input_shape
    assert shape is not None
    if torch.tensor(shape).prod() < 1e6:
        assert loaded(torch.zeros(1, *shape)).isfinite().all()


def write(path: Path, notes: str, model: VideoModel) -> None:
    tensors = {n: t.contiguous() for n, t in model.backbone.state_dict().items()}
    save_file(tensors, path, metadata={"advvid": notes})


WRONG: dict[str, tuple[Any, str]] = {
    "a mean that is NaN": ({"mean": [float("nan")] * 3, "std": [1, 1, 1]}, "mean must be finite"),
    "a std of 0": ({"mean": [0.5] * 3, "std": [0, 1, 1]}, "std must be above 0"),
    "a std below 0": ({"mean": [0.5] * 3, "std": [-1, 1, 1]}, "std must be above 0"),
    "a mean alone": ({"mean": [0.5] * 3}, "mean and std must both"),
    "two means": ({"mean": [0.5] * 2, "std": [1, 1]}, "one number, or three"),
    "a mean of texts": ({"mean": ["a"] * 3, "std": [1] * 3}, "one number, or three"),
    "a billion classes": ({"num_classes": 10**9}, "num_classes must be at most"),
    "classes in fractions": ({"num_classes": 10.0}, "num_classes must be a whole number"),
    "no classes": ({"num_classes": 0}, "num_classes must be a whole number"),
    "a flag for classes": ({"num_classes": True}, "num_classes must be a whole number"),
    "other classes than there are": ({"num_classes": 12}, "notes 12 classes, but .* has 10"),
    "fewer names than classes": ({"classes": ["a", "b"]}, "notes 2 classes, but .* has 10"),
    "names that differ from the number": (
        {"num_classes": 10, "classes": ["a", "b"]},
        "num_classes is 10, but there are 2 classes",
    ),
    "a text for names": ({"classes": "abc"}, "classes must be a list of texts"),
    "numbers for names": ({"classes": [1, 2]}, "classes must be a list of texts"),
    "a huge shape": ({"input_shape": [3, 10**6, 10**6, 10**6]}, "at most .* values a clip"),
    "four channels": ({"input_shape": [4, 8, 32, 32]}, "input_shape must be"),
    "a number for the spec": ({"spec": 3}, "spec must be text"),
    "a list for the spec": ({"spec": ["motions-r3d"]}, "spec must be text"),
    "an unknown layout": ({"layout": "TCHW"}, "layout must be one of"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_notes_are_refused(case: str, model: VideoModel, tmp_path: Path) -> None:
    notes, message = WRONG[case]
    write(tmp_path / "w.safetensors", json.dumps(notes), model)
    before = model.backbone.state_dict()["fc.weight"].clone()
    with pytest.raises(InputError, match=message):
        load_model("motions-r3d", weights=tmp_path / "w.safetensors")
    with pytest.raises(InputError):
        load_weights(model, tmp_path / "w.safetensors")
    assert torch.equal(model.backbone.state_dict()["fc.weight"], before)


@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2]", '"text"', "null", "3", "[" * 10**5, "1" * 5000, "[[1, 2]]"]
)
def test_notes_that_are_no_object(text: str, model: VideoModel, tmp_path: Path) -> None:
    write(tmp_path / "w.safetensors", text, model)
    with pytest.raises(InputError, match=r"the notes in .* cannot be used"):
        load_model("motions-r3d", weights=tmp_path / "w.safetensors")


def test_what_others_note_is_left_to_them(model: VideoModel, tmp_path: Path) -> None:
    save_weights(model, tmp_path / "w.safetensors", trained_by=["us", {"epochs": float("inf")}])
    assert load_model("motions-r3d", weights=tmp_path / "w.safetensors").num_classes == 10
