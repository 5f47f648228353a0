"""Labels reach a loss in the form that it wants; ART's own classifier is the oracle."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from art.attacks.evasion import (
    AutoProjectedGradientDescent,
    FastGradientMethod,
    ProjectedGradientDescent,
)
from art.defences.preprocessor import FeatureSqueezing
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn
from torch.nn import functional as F

from advvid.attacks import LinfPGD
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, CLIP_SHAPE, bent_model, random_clips

Array = npt.NDArray[Any]


class Focal(nn.Module):
    """A loss of one's own, of indices."""

    reduction = "mean"

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        log_shares = logits.log_softmax(1).gather(1, labels[:, None])[:, 0]
        losses = -((1 - log_shares.exp()) ** 2) * log_shares
        return losses.mean() if self.reduction == "mean" else losses


class Margin(nn.Module):
    """A loss of one's own, of one-hot labels."""

    reduction = "mean"

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        own = (logits * labels).sum(1)
        losses = (logits - 1e3 * labels).amax(1) - own
        return losses.mean() if self.reduction == "mean" else losses


def logits_ratio() -> nn.Module:
    """The difference-of-logits-ratio loss of ART, an object of a class that it makes inside."""
    attack = AutoProjectedGradientDescent(
        theirs(bent_model(), nn.CrossEntropyLoss()), loss_type="difference_logits_ratio"
    )
    loss: nn.Module = attack.estimator.loss
    return loss


def model_for(loss: nn.Module) -> nn.Module:
    """A small network whose outputs are what the loss takes."""
    if isinstance(loss, nn.BCELoss):
        return nn.Sequential(bent_model(classes=1), nn.Sigmoid()).eval()
    if isinstance(loss, nn.BCEWithLogitsLoss):
        return bent_model(classes=1)
    if isinstance(loss, nn.NLLLoss):
        return nn.Sequential(bent_model(), nn.LogSoftmax(1)).eval()
    return bent_model()


def ours(model: nn.Module, loss: nn.Module, classes: int = CLASSES, **more: Any) -> VideoClassifier:
    return VideoClassifier(model, loss, CLIP_SHAPE, classes, device="cpu", **more)


def theirs(
    model: nn.Module, loss: nn.Module, classes: int = CLASSES, **more: Any
) -> PyTorchClassifier:
    more.setdefault("clip_values", (0.0, 1.0))
    return PyTorchClassifier(model, loss, CLIP_SHAPE, classes, device_type="cpu", **more)


def pair(loss: nn.Module, **more: Any) -> tuple[VideoClassifier, PyTorchClassifier]:
    model, classes = model_for(loss), 2 if isinstance(loss, BINARY) else CLASSES
    return ours(model, loss, classes, **more), theirs(model, loss, classes, **more)


BINARY = (nn.BCELoss, nn.BCEWithLogitsLoss)
LOSSES: dict[str, Any] = {
    "cross-entropy": nn.CrossEntropyLoss,
    "negative log-likelihood": nn.NLLLoss,
    "multi-margin": nn.MultiMarginLoss,
    "logits ratio of ART": logits_ratio,
    "one's own, one-hot": Margin,
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_gradients_are_those_of_arts_classifier(name: str) -> None:
    mine, oracle = pair(LOSSES[name]())
    clips, labels = random_clips()
    x, y = clips.numpy(), labels.numpy()
    one_hot = np.eye(CLASSES, dtype=np.float32)[y]
    np.testing.assert_allclose(mine.predict(x), oracle.predict(x), rtol=1e-5, atol=1e-6)
    expected = oracle.loss_gradient(x, one_hot)
    assert np.abs(expected).max() > 0
    # Indices, which ART's class hands to these losses only after they were made one-hot.
    for given in (one_hot, y, y[:, None], y.astype(np.float32), torch.from_numpy(one_hot)):
        np.testing.assert_allclose(mine.loss_gradient(x, given), expected, rtol=1e-4, atol=1e-8)
        np.testing.assert_allclose(
            mine.compute_loss(x, given), oracle.compute_loss(x, one_hot), rtol=1e-4, atol=1e-6
        )


def test_a_loss_of_indices_gets_indices() -> None:
    clips, labels = random_clips()
    classifier = ours(bent_model(), Focal())
    expected = Focal()(bent_model()(clips), labels)
    one_hot = F.one_hot(labels, CLASSES).float()
    for given in (labels, one_hot):
        loss = classifier.compute_loss(clips, given, reduction="mean")
        torch.testing.assert_close(loss.detach(), expected.detach())
        assert classifier.loss_gradient(clips, given).abs().max() > 0


def test_a_loss_of_neither_form_is_named() -> None:
    class Odd(nn.Module):
        def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
            raise KeyError("mask")

    clips, labels = random_clips()
    with pytest.raises(InputError, match="the loss Odd takes neither indices nor one-hot"):
        ours(bent_model(), Odd()).loss_gradient(clips, labels)


def attacked(attack: Any, classifier: Any, *given: Any, **settings: Any) -> Array:
    np.random.seed(0)  # noqa: NPY002 (ART's attacks draw from it)
    quiet = {"verbose": False} if "verbose" in attack.attack_params else {}
    made = attack(classifier, eps=0.1, eps_step=0.03, **quiet, **settings)
    adversarial: Array = made.generate(*given)
    return adversarial


@pytest.mark.parametrize("loss", [logits_ratio, nn.CrossEntropyLoss])
@pytest.mark.parametrize("norm", [np.inf, 2])
@pytest.mark.parametrize("targeted", [False, True])
def test_auto_pgd_goes_the_way_of_arts_classifier(loss: Any, norm: float, targeted: bool) -> None:
    mine, oracle = pair(loss())
    clips, _ = random_clips()
    x = clips.numpy()
    y = (oracle.predict(x).argmax(1) + targeted) % CLASSES
    settings = {"max_iter": 4, "norm": norm, "targeted": targeted, "nb_random_init": 1}
    found = [
        attacked(AutoProjectedGradientDescent, one, x, y, **settings) for one in (mine, oracle)
    ]
    assert np.abs(found[1] - x).max() > 1e-3
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


@pytest.mark.parametrize("loss", BINARY)
def test_a_model_of_two_classes_with_one_output(loss: Any) -> None:
    """Fit on float labels, attack and predict, as with ART's own classifier."""
    clips, labels = random_clips(32, classes=2)
    clips[labels == 1] *= 0.5
    x, y = clips.numpy(), labels.numpy().astype(np.float32)
    for given in (y, y[:, None], np.eye(2, dtype=np.float32)[labels]):
        model = model_for(loss())
        before = [p.detach().clone() for p in model.parameters()]
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        mine = ours(model, loss(), 2, optimizer=optimizer)
        mine.fit(x, given, batch_size=8, nb_epochs=4)
        assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
        oracle = theirs(model, loss(), 2)
        np.testing.assert_allclose(mine.predict(x), oracle.predict(x), rtol=1e-5)
        assert mine.predict(x).shape == (32, 1)
        one_hot = np.eye(2, dtype=np.float32)[labels]
        expected = oracle.loss_gradient(x, one_hot[:, 1:])
        np.testing.assert_allclose(mine.loss_gradient(x, given), expected, rtol=1e-4, atol=1e-9)
    found = [attacked(ProjectedGradientDescent, one, x, max_iter=5) for one in (mine, oracle)]
    assert np.abs(found[1] - x).max() > 0.05
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    # Our own attacks and evaluations see two logits.
    logits = mine.logits(clips)
    limit = 0.5 if loss is nn.BCELoss else 0.0
    assert logits.shape == (32, 2)
    assert torch.equal(logits.argmax(1) == 1, torch.from_numpy(mine.predict(x)[:, 0] > limit))
    own = LinfPGD(mine, eps=0.3, max_iter=5).generate(clips, labels)
    assert (mine.logits(own).argmax(1) == labels).sum() < (logits.argmax(1) == labels).sum()


class SinglePrecision(FeatureSqueezing):
    """With recent releases of numpy it gives float64, at which ART's own classifier fails."""

    def __call__(self, x: Array, y: Any = None) -> tuple[Array, Any]:
        return super().__call__(x, y)[0].astype(np.float32), y


@pytest.mark.parametrize("attack", [FastGradientMethod, ProjectedGradientDescent])
def test_feature_squeezing_is_differentiated_as_art_does(attack: Any) -> None:
    loss, settings = nn.CrossEntropyLoss(), {"clip_values": (0.0, 1.0), "bit_depth": 2}
    mine = ours(bent_model(), loss, preprocessing_defences=FeatureSqueezing(**settings))
    oracle = theirs(bent_model(), loss, preprocessing_defences=SinglePrecision(**settings))
    clips, labels = random_clips()
    x, one_hot = clips.numpy(), np.eye(CLASSES, dtype=np.float32)[labels]
    np.testing.assert_allclose(mine.predict(x), oracle.predict(x), rtol=1e-5, atol=1e-6)
    expected = oracle.loss_gradient(x, one_hot)
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(mine.loss_gradient(x, labels.numpy()), expected, atol=1e-8)
    np.testing.assert_allclose(mine.loss_gradient(clips, labels), expected, atol=1e-8)
    found = [attacked(attack, one, x, one_hot) for one in (mine, oracle)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_our_attacks_go_through_preprocessors_of_arrays() -> None:
    squeezing = FeatureSqueezing(clip_values=(0.0, 1.0), bit_depth=3)
    defended = ours(bent_model(), nn.CrossEntropyLoss(), preprocessing_defences=squeezing)
    clips, _ = random_clips(16)
    labels = defended.logits(clips).argmax(1)
    found = LinfPGD(defended, eps=0.3, max_iter=10).generate(clips, labels)
    assert (defended.logits(found).argmax(1) == labels).float().mean() < 0.5


def test_a_preprocessor_that_changes_the_shape_is_named() -> None:
    class Half(FeatureSqueezing):
        def __call__(self, x: Array, y: Any = None) -> Any:
            return x[:, :, ::2], y

    squeezing = Half(clip_values=(0.0, 1.0))
    classifier = ours(bent_model(), nn.CrossEntropyLoss(), preprocessing_defences=squeezing)
    with pytest.raises(InputError, match=r"Half turns clips .* keeps the shape"):
        classifier.predict(random_clips()[0].numpy())
