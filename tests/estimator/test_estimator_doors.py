"""What no door of the classifier takes: clips, labels and arguments of no use are one line."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, CLIP_SHAPE, bent_model, random_clips

Array = npt.NDArray[Any]


NOT_LABELS: dict[str, Any] = {
    "flags": np.array([True, False, True]),
    "complex": np.array([0j, 1j, 2]),
    "NaN": np.array([0, np.nan, 1]),
    "infinite": np.array([0, np.inf, 1]),
    "fractions": np.array([0.5, 1, 2]),
    "texts": np.array(["a", "b", "c"]),
    "a list of texts": ["a", "b", "c"],
    "a list": [0, 1, 2],
    "a text": "abc",
    "ragged": [[1], [2, 3], [4]],
    "None": None,
    "objects": np.array([None, 1, 2]),
    "too many": np.arange(4),
    "too few": np.arange(2),
    "none at all": np.array([], dtype=np.int64),
    "one number": np.int64(3),
    "too large": np.array([0, 1, CLASSES]),
    "negative": np.array([0, 1, -1]),
    "huge": np.array([0, 1, 2**63], dtype=np.uint64),
    "other classes": np.eye(CLASSES + 1)[:3],
    "no shares": np.ones((3, CLASSES)),
    "rows of zeros": np.zeros((3, CLASSES)),
    "negative shares": np.array([[2.0, -1.0, *[0.0] * (CLASSES - 2)]] * 3),
    "NaN shares": np.full((3, CLASSES), np.nan),
    "flags one-hot": np.eye(CLASSES, dtype=bool)[:3],
    "three axes": np.zeros((3, 1, 1), dtype=np.int64),
    "a sparse tensor": torch.eye(CLASSES)[:3].to_sparse(),
}
NOT_CLIPS: dict[str, Any] = {
    "NaN": np.full((3, *CLIP_SHAPE), np.nan, dtype=np.float32),
    "infinite": np.full((3, *CLIP_SHAPE), np.inf, dtype=np.float32),
    "0 to 255": np.full((3, *CLIP_SHAPE), 200, dtype=np.float32),
    "bytes": np.zeros((3, *CLIP_SHAPE), dtype=np.uint8),
    "flags": np.zeros((3, *CLIP_SHAPE), dtype=bool),
    "complex": np.zeros((3, *CLIP_SHAPE), dtype=np.complex64),
    "texts": np.full((3, *CLIP_SHAPE), "a"),
    "objects": np.full((3, *CLIP_SHAPE), None),
    "another size": np.zeros((3, 3, 4, 8, 9), dtype=np.float32),
    "another length": np.zeros((3, 3, 5, 8, 8), dtype=np.float32),
    "one clip without a batch": np.zeros(CLIP_SHAPE, dtype=np.float32),
    "no clips": np.zeros((0, *CLIP_SHAPE), dtype=np.float32),
    "a list": [[0.5]],
    "a text": "clips",
    "None": None,
    "a number": 0.5,
    "a meta tensor": torch.zeros((3, *CLIP_SHAPE), device="meta"),
}
DOORS: dict[str, Any] = {
    "loss_gradient": lambda c, x, y: c.loss_gradient(x, y),
    "compute_loss": lambda c, x, y: c.compute_loss(x, y),
    "fit": lambda c, x, y: c.fit(x, y, nb_epochs=1),
    "predict": lambda c, x, _: c.predict(x),
    "class_gradient": lambda c, x, _: c.class_gradient(x),
}


@pytest.fixture(scope="module")
def classifier() -> VideoClassifier:
    model = bent_model()
    return VideoClassifier(
        model,
        nn.CrossEntropyLoss(),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
        input_shape=CLIP_SHAPE,
        nb_classes=CLASSES,
    )


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", NOT_CLIPS)
def test_what_are_no_clips_is_refused(classifier: VideoClassifier, case: str, door: str) -> None:
    with pytest.raises(InputError):
        DOORS[door](classifier, NOT_CLIPS[case], np.arange(3))


@pytest.mark.parametrize("door", ["loss_gradient", "compute_loss", "fit"])
@pytest.mark.parametrize("case", NOT_LABELS)
def test_what_are_no_labels_is_refused(classifier: VideoClassifier, case: str, door: str) -> None:
    before = [p.detach().clone() for p in classifier.inner.parameters()]
    with pytest.raises(InputError, match=r"labels|y must be"):
        DOORS[door](classifier, random_clips(3)[0].numpy(), NOT_LABELS[case])
    after = classifier.inner.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "call",
    [
        lambda c, x, y: c.fit(x, y, batch_size=0),
        lambda c, x, y: c.fit(x, y, nb_epochs=1.5),
        lambda c, x, y: c.fit(x, y, scheduler="cosine"),
        lambda c, x, _: c.predict(x, batch_size="8"),
        lambda c, x, y: c.compute_loss(x, y, reduction="median"),
        lambda c, x, _: c.class_gradient(x, label=CLASSES),
        lambda c, x, _: c.class_gradient(x, label="1"),
        lambda c, x, _: c.class_gradient(x, label=np.arange(2)),
    ],
)
def test_other_arguments_of_no_use_are_refused(classifier: VideoClassifier, call: Any) -> None:
    with pytest.raises(InputError):
        call(classifier, random_clips(3)[0].numpy(), np.arange(3))


def test_arrays_of_any_bytes_and_strides_are_taken(classifier: VideoClassifier) -> None:
    clips, labels = random_clips()
    x, y = clips.numpy(), labels.numpy()
    expected = classifier.loss_gradient(x, y)
    frozen_array = x.copy()
    frozen_array.flags.writeable = False
    for other in (x.astype(">f4"), x[::-1][::-1], frozen_array):
        np.testing.assert_array_equal(classifier.loss_gradient(other, y), expected)
    for given in (y.astype(">i4"), y[::-1][::-1], y.astype(np.uint16)):
        np.testing.assert_array_equal(classifier.loss_gradient(x, given), expected)
