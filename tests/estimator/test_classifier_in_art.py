"""The classifier where ART takes it: attacks, trainers and preprocessors of ART."""

from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import (
    AutoProjectedGradientDescent,
    BasicIterativeMethod,
    FastGradientMethod,
    ProjectedGradientDescent,
    ProjectedGradientDescentNumpy,
    ProjectedGradientDescentPyTorch,
)
from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from advvid.errors import InputError
from tests.clip_models import (
    CLASSES,
    CLIP_SHAPE,
    LinearClipModel,
    small_model,
)
from tests.estimator.test_video_classifier import arrays, build


@pytest.mark.parametrize("layout", ["NCTHW", "NTHWC"])
@pytest.mark.parametrize(
    ("attack", "settings"),
    [
        (ProjectedGradientDescentNumpy, {}),
        (ProjectedGradientDescentPyTorch, {}),
        (ProjectedGradientDescent, {"num_random_init": 1}),
        (FastGradientMethod, {}),
        (BasicIterativeMethod, {}),
        (AutoProjectedGradientDescent, {}),
        (AutoProjectedGradientDescent, {"loss_type": "cross_entropy"}),
        (AutoProjectedGradientDescent, {"loss_type": "difference_logits_ratio"}),
    ],
)
def test_art_attacks_fool_the_classifier_inside_their_budget(
    attack: Any, settings: dict[str, Any], layout: str
) -> None:
    """With a mean and std that matter: some of ART's attacks call the model themselves."""
    np.random.seed(0)  # noqa: NPY002 (ART's attacks draw from it)
    model = LinearClipModel(classes=CLASSES)
    classifier = build(layout, model, mean=(0.4, 0.5, 0.6), std=(0.1, 0.2, 0.3))
    x, _ = arrays(layout, count=12)
    y = classifier.predict(x).argmax(1)
    eps = 16 / 255
    kwargs = {"verbose": False} if "verbose" in attack.attack_params else {}
    adversarial = attack(classifier, eps=eps, eps_step=4 / 255, **kwargs, **settings).generate(x, y)
    assert adversarial.shape == x.shape
    assert np.abs(adversarial - x).max() <= eps + 1e-6
    assert (classifier.predict(adversarial).argmax(1) == y).mean() <= 0.25


def test_the_model_that_art_reads_is_the_classifier() -> None:
    model = small_model().eval()
    assert build(model=model).model is model
    adapted = build("NTHWC", model, mean=(0.5,), std=(0.2,))
    x, _ = arrays("NTHWC")
    expected = adapted.predict(x)
    np.testing.assert_allclose(
        adapted.model(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-5, atol=1e-6
    )


class Rounded(PreprocessorPyTorch):
    """Eight gray levels; the identity stands in for its gradient."""

    def __init__(self, apply_fit: bool = False, apply_predict: bool = True) -> None:
        super().__init__(is_fitted=True, apply_fit=apply_fit, apply_predict=apply_predict)
        self.calls = 0

    def forward(self, x: Tensor, y: Any = None) -> tuple[Tensor, Any]:
        self.calls += 1
        return (x * 7).round() / 7, y

    def estimate_forward(self, x: Tensor, y: Any = None) -> Tensor:
        return x


@pytest.mark.parametrize("layout", ["NCTHW", "NTHWC"])
def test_preprocessors_are_applied_themselves_and_differentiated_by_their_estimate(
    layout: str,
) -> None:
    model = small_model().eval()
    defended = build(layout, model, preprocessing_defences=Rounded())
    plain = build(layout, model)
    x, y = arrays(layout)
    rounded = np.round(x * 7) / 7
    np.testing.assert_allclose(defended.predict(x), plain.predict(rounded), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        defended.loss_gradient(x, y), plain.loss_gradient(rounded, y), rtol=1e-4, atol=1e-8
    )


def test_fit_uses_the_preprocessors_that_are_for_training_and_soft_labels() -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    training, predicting = Rounded(True, False), Rounded(False, True)
    classifier = build(
        model=model, optimizer=optimizer, preprocessing_defences=[training, predicting]
    )
    x, y = arrays(count=4)
    classifier.fit(x, y, batch_size=2, nb_epochs=1)
    assert (training.calls, predicting.calls) == (1, 0)
    soft = np.full((4, CLASSES), 1 / CLASSES, dtype=np.float32)
    uniform = build(model=model).compute_loss(x, soft)
    hard = [build(model=model).compute_loss(x, np.full(4, k)) for k in range(CLASSES)]
    np.testing.assert_allclose(uniform, np.mean(hard, axis=0), rtol=1e-5)
    with pytest.raises(InputError, match="finite"):
        classifier.fit(np.where(x == x.max(), np.nan, x), y)


def test_arts_pgd_takes_its_torch_path() -> None:
    attack = ProjectedGradientDescent(build(), verbose=False)
    assert isinstance(attack._attack, ProjectedGradientDescentPyTorch)


def test_agrees_with_arts_own_classifier() -> None:
    model = small_model().eval()
    ours = build(model=model)
    arts = PyTorchClassifier(model, nn.CrossEntropyLoss(), CLIP_SHAPE, CLASSES, device_type="cpu")
    x, y = arrays()
    one_hot = np.eye(CLASSES, dtype=np.float32)[y]
    np.testing.assert_allclose(ours.predict(x), arts.predict(x), rtol=1e-5, atol=1e-6)
    for labels in (y, one_hot):
        np.testing.assert_allclose(
            ours.loss_gradient(x, labels), arts.loss_gradient(x, one_hot), rtol=1e-4, atol=1e-8
        )
    np.testing.assert_allclose(ours.compute_loss(x, y), arts.compute_loss(x, one_hot), rtol=1e-5)
    np.testing.assert_allclose(ours.class_gradient(x), arts.class_gradient(x), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("layout", ["NCTHW", "NTHWC"])
def test_set_params_preprocessing_is_per_channel_and_keeps_the_torch_path(layout: str) -> None:
    """Three clips, so that ART's own broadcasting would go along the batch."""
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
    model = small_model().eval()
    x, y = arrays(layout, count=3)
    inside, outside = build(layout, model, mean=mean, std=std), build(layout, model)
    outside.set_params(preprocessing=(np.array(mean), np.array(std)))
    assert outside.all_framework_preprocessing
    np.testing.assert_allclose(outside.predict(x), inside.predict(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        outside.loss_gradient(x, y), inside.loss_gradient(x, y), rtol=1e-4, atol=1e-7
    )


def test_clone_for_refitting_has_fresh_weights_and_its_own_optimizer() -> None:
    model = small_model()
    classifier = build(
        "NTHWC",
        model,
        mean=(0.4,),
        precision="bf16",
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
    )
    clone = classifier.clone_for_refitting()
    assert (clone.layout, clone.precision) == ("NTHWC", "bf16")
    assert not torch.equal(next(clone.model.parameters()), next(model.parameters()))
    held = {id(p) for group in clone.optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in clone.model.parameters()}


def test_art_adversarial_trainer_accepts_classifier_and_attack() -> None:
    from art.defences.trainer import AdversarialTrainer

    from advvid.attacks import LinfPGD

    model = small_model()
    classifier = build(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    x, y = arrays(count=8)
    before = next(model.parameters()).clone()
    attack = LinfPGD(classifier, eps=8 / 255, max_iter=2)
    one_hot = np.eye(CLASSES, dtype=np.float32)[y]
    AdversarialTrainer(classifier, attack, ratio=0.5).fit(x, one_hot, batch_size=4, nb_epochs=1)
    assert not torch.equal(before, next(model.parameters()))
