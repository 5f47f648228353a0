"""A classifier is made out of whatever a caller has."""

from typing import Any

import pytest
import torch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from advvid.errors import InputError
from advvid.estimator import VideoClassifier, as_classifier
from advvid.models import VideoModel
from tests.clip_models import CLASSES, CLIP_SHAPE, random_clips, small_model

CLIPS, _ = random_clips()


def test_a_classifier_stays_what_it_is() -> None:
    classifier = VideoClassifier(small_model(), nb_classes=CLASSES, device="cpu")
    assert as_classifier(classifier, CLIPS) is classifier


def test_a_module_tells_its_classes_by_being_run() -> None:
    module = small_model().train()
    classifier = as_classifier(module, CLIPS)
    assert classifier.nb_classes == CLASSES
    assert classifier.input_shape == tuple(CLIPS.shape[1:])
    assert classifier.inner is module
    assert all(m.training for m in module.modules())
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_a_video_model_keeps_its_normalization() -> None:
    model = VideoModel(small_model().eval(), spec="mine", mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))
    classifier = as_classifier(model, CLIPS)
    torch.testing.assert_close(classifier.logits(CLIPS), model(CLIPS).detach(), check_device=False)


class _Broken(nn.Module):
    def forward(self, clips: Tensor) -> Tensor:
        raise KeyError("clips")


def _art() -> Any:
    return PyTorchClassifier(
        small_model(), nn.CrossEntropyLoss(), CLIP_SHAPE, CLASSES, device_type="cpu"
    )


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (_art(), "PyTorchClassifier is an estimator of ART"),
        (
            "torchvision/r3d_18",
            r"got a string: load it with advvid.load_model\('torchvision/r3d_18'\)",
        ),
        (None, "got NoneType"),
        (lambda clips: clips, "got function"),
        (_Broken(), "_Broken fails on clips"),
        (nn.Identity(), "Identity must give logits"),
    ],
)
def test_anything_else_is_refused(model: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        as_classifier(model, CLIPS)


@pytest.mark.parametrize("shape", [(0, 3, 4, 8, 8), (3, 4, 8, 8), (2, 4, 3, 8, 8)])
def test_clips_of_no_use_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="clips"):
        as_classifier(small_model(), torch.zeros(shape))
