"""Classes of data and of models are matched by name; loading refuses what cannot go together."""

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from advvid.data import load_dataset
from advvid.errors import InputError
from advvid.models import VideoModel, load_model, save_weights
from advvid.pairing import load_in_memory, load_subject, match_head, match_labels, read_class

NAMES = ("blue", "green", "red")


def stand_in(**facts: Any) -> VideoModel:
    return SimpleNamespace(spec="some", **facts)  # type: ignore[return-value]


def test_labels_become_those_of_the_model_by_name() -> None:
    labels = torch.tensor([0, 2, 2, 1])
    model = stand_in(classes=("red", "cat", "blue", "green"), num_classes=4)
    assert match_labels(labels, NAMES, model).tolist() == [2, 0, 0, 3]
    nameless = stand_in(classes=None, num_classes=3)
    assert match_labels(labels, NAMES, nameless).tolist() == [0, 2, 2, 1]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"classes": ("red", "green"), "num_classes": 2}, "does not know 1 of the 3 .*'blue'"),
        ({"classes": None, "num_classes": 4}, "has 4 classes and the data 3"),
    ],
)
def test_classes_that_do_not_match_are_named(facts: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        match_labels(torch.tensor([0]), NAMES, stand_in(**facts))


def test_a_head_takes_the_classes_of_the_data(tmp_path: Path) -> None:
    """The same classes in another order are put in order; others start at zero, with a note."""
    original = load_model("motions-r3d", weights="none", num_classes=3, seed=3)
    clips = torch.rand(2, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    expected = original(clips)

    def of_classes(*classes: str) -> VideoModel:
        save_weights(original, tmp_path / "w.safetensors", classes=classes)
        weights = str(tmp_path / "w.safetensors")
        model = load_model("motions-r3d", weights=weights, num_classes=3, frames=4, size=16)
        match_head(model, NAMES)
        return model

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same = of_classes(*NAMES)
        turned = of_classes("red", "blue", "green")
    torch.testing.assert_close(same(clips), expected)
    torch.testing.assert_close(turned(clips), expected[:, [1, 2, 0]])
    with pytest.warns(UserWarning, match="other classes"):
        other = of_classes("cat", "dog", "cow")
    assert not other(clips).any()
    assert {m.classes for m in (same, turned, other)} == {NAMES}


def test_a_class_is_read_by_name_or_number() -> None:
    subject = load_subject("motions-r3d", "motions", split="test", clips=3)
    names = subject.class_names
    assert names is not None
    count = len(names)
    assert read_class(names[1], names, count) == read_class("1", (), count) == 1
    with pytest.raises(InputError, match=f"did you mean .*{names[0]}"):
        read_class(names[0][:-1], names, count)
    with pytest.raises(InputError, match=f"0 to {len(names) - 1}"):
        read_class("99", names, count)
    with pytest.raises(InputError, match="did you mean random"):
        read_class("randm", names, count, also=("least-likely", "random"))


def test_a_subject_has_clips_in_the_shape_of_its_model() -> None:
    subject = load_subject("motions-r3d", "motions", split="test", clips=3, labels="predicted")
    assert len(subject.source(seed=0)) == 3
    clips = load_in_memory("motions-r3d", "motions", split="test", clips=3, device="cpu")
    expected, labels = load_dataset("motions", split="test").sample(3, seed=0)
    torch.testing.assert_close(clips.clips, expected)
    assert clips.labels.tolist() == labels.tolist()
    assert tuple(clips.clips.shape[1:]) == subject.dataset.clip_shape


@pytest.mark.parametrize(
    ("options", "words"),
    [({"labels": "guessed"}, "true or predicted"), ({"clips": -1}, "clips must be at least 1")],
)
def test_what_cannot_be_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_subject("motions-r3d", "motions", **options)
