"""Scripts as users of ART write them, on our classifier and with our attacks."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from art.attacks.evasion import (
    AutoProjectedGradientDescent,
    CarliniL2Method,
    DeepFool,
    FastGradientMethod,
    FrameSaliencyAttack,
    OverTheAirFlickeringPyTorch,
    ProjectedGradientDescent,
)
from art.data_generators import PyTorchDataGenerator
from art.defences.postprocessor import Rounded
from art.defences.trainer import AdversarialTrainer, AdversarialTrainerMadryPGD
from art.metrics import adversarial_accuracy, empirical_robustness, loss_sensitivity
from art.utils import compute_accuracy, get_labels_np_array, to_categorical
from torch import Tensor, nn

from advvid.attacks import LinfPGD, MaskedPGD
from advvid.estimator import VideoClassifier

Array = npt.NDArray[Any]
SHAPE = (3, 4, 8, 8)
EPS = 0.06


def task(count: int, seed: int) -> tuple[Array, Array]:
    """Two classes that a few pixels tell apart by far and all others by less than the budget.

    A plain fit leans on the many weak ones as well, and an attack of `EPS` turns them around; the
    strong ones outlast it.
    """
    generator = np.random.default_rng(seed)
    y = generator.integers(2, size=count)
    side = (2 * y - 1)[:, None, None, None, None]
    signal = np.full(SHAPE, 0.02)
    signal[:, :, 0, 0] = 0.15
    x = 0.5 + side * signal + generator.normal(0, 0.03, (count, *SHAPE))
    return x.clip(0, 1).astype(np.float32), y


class Centered(nn.Module):
    """Flat pixels around 0, so that plain SGD is stable."""

    def forward(self, clips: Tensor) -> Tensor:
        return clips.flatten(1) - 0.5


def linear_classifier(lr: float = 1.0, layout: str = "NCTHW") -> VideoClassifier:
    linear = nn.Linear(int(np.prod(SHAPE)), 2)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    model = nn.Sequential(Centered(), linear)
    return VideoClassifier(
        model,
        loss=nn.CrossEntropyLoss(),
        nb_classes=2,
        layout=layout,
        input_shape=SHAPE if layout == "NCTHW" else (*SHAPE[1:], SHAPE[0]),
        optimizer=torch.optim.SGD(model.parameters(), lr=lr),
    )


def accuracy(classifier: VideoClassifier, x: Array, y: Array) -> float:
    return float(np.mean(classifier.predict(x).argmax(axis=1) == y))


@pytest.mark.parametrize("layout", ["NCTHW", "NTHWC"])
def test_fit_attack_and_measure(layout: str) -> None:
    """The script of ART's own examples: train, attack with several classes, print accuracies."""
    (x_train, y_train), (x_test, y_test) = task(96, 0), task(24, 1)
    if layout == "NTHWC":
        x_train, x_test = (
            np.ascontiguousarray(x.transpose(0, 2, 3, 4, 1)) for x in (x_train, x_test)
        )
    one_hot = to_categorical(y_train, nb_classes=2)
    classifier = linear_classifier(layout=layout)
    classifier.fit(x_train, one_hot, batch_size=16, nb_epochs=3)
    assert accuracy(classifier, x_test, y_test) == 1
    truth = to_categorical(y_test, nb_classes=2)
    assert compute_accuracy(classifier.predict(x_test), truth)[0] == 1
    for attack in (
        FastGradientMethod(estimator=classifier, eps=EPS),
        FastGradientMethod(estimator=classifier, eps=EPS, eps_step=EPS / 4, minimal=True),
        ProjectedGradientDescent(classifier, eps=EPS, eps_step=EPS / 4, max_iter=10, verbose=False),
        ProjectedGradientDescent(
            classifier, norm=2, eps=4.0, eps_step=1.0, max_iter=10, verbose=False
        ),
        AutoProjectedGradientDescent(
            classifier, eps=EPS, eps_step=EPS, max_iter=10, nb_random_init=1, verbose=False
        ),
        DeepFool(classifier, max_iter=10, epsilon=0.05, verbose=False),
        CarliniL2Method(
            classifier,
            max_iter=5,
            binary_search_steps=3,
            initial_const=10.0,
            batch_size=24,
            verbose=False,
        ),
        LinfPGD(classifier, eps=EPS, max_iter=10, verbose=False),
    ):
        x_adv = attack.generate(x=x_test, y=truth)
        assert x_adv.shape == x_test.shape
        assert accuracy(classifier, x_adv, y_test) == 0, type(attack).__name__


def test_frame_saliency_of_art_perturbs_frame_by_frame() -> None:
    (x_train, y_train), (x_test, y_test) = task(96, 0), task(6, 1)
    classifier = linear_classifier()
    classifier.fit(x_train, y_train, batch_size=16, nb_epochs=3)
    attacker = ProjectedGradientDescent(
        classifier, eps=4 * EPS, eps_step=EPS, max_iter=5, verbose=False
    )
    attack = FrameSaliencyAttack(
        classifier, attacker, "iterative_saliency", frame_index=2, batch_size=6, verbose=False
    )
    x_adv = attack.generate(x=x_test, y=to_categorical(y_test, nb_classes=2))
    changed = (x_adv != x_test).any(axis=(1, 3, 4)).sum(axis=1)
    assert accuracy(classifier, x_adv, y_test) == 0
    assert changed.max() < SHAPE[1]
    assert changed.min() >= 1


def test_flickering_of_art_wants_channels_last() -> None:
    (x_train, y_train), (x_test, y_test) = task(96, 0), task(4, 1)
    # One class is brighter than the other: what an offset can undo.
    last = [np.ascontiguousarray(x.transpose(0, 2, 3, 4, 1)) for x in (x_train, x_test)]
    classifier = linear_classifier(layout="NTHWC")
    classifier.fit(last[0], y_train, batch_size=16, nb_epochs=3)
    attack = OverTheAirFlickeringPyTorch(
        classifier, eps_step=0.02, max_iter=20, beta_0=0.01, verbose=False
    )
    x_adv = attack.generate(x=last[1], y=to_categorical(y_test, nb_classes=2))
    offset = x_adv - last[1]
    assert accuracy(classifier, x_adv, y_test) == 0
    np.testing.assert_allclose(
        offset, np.broadcast_to(offset[:, :, :1, :1], offset.shape), atol=1e-6
    )


def robust_accuracy(classifier: VideoClassifier, x: Array, y: Array) -> float:
    attack = ProjectedGradientDescent(
        classifier, eps=EPS, eps_step=EPS / 4, max_iter=10, verbose=False
    )
    return accuracy(classifier, attack.generate(x, y), y)


@pytest.mark.parametrize("recipe", ["ours", "theirs", "two attacks", "generator", "Madry"])
def test_adversarial_training_makes_robust(recipe: str) -> None:
    np.random.seed(0)  # noqa: NPY002 (ART's trainers draw from it)
    (x_train, y_train), (x_test, y_test) = task(128, 0), task(32, 1)
    one_hot = to_categorical(y_train, nb_classes=2)
    plain = linear_classifier()
    plain.fit(x_train, y_train, batch_size=16, nb_epochs=3)
    assert accuracy(plain, x_test, y_test) == 1
    assert robust_accuracy(plain, x_test, y_test) == 0

    classifier = linear_classifier()
    ours = LinfPGD(classifier, eps=EPS, max_iter=5)
    before = float(np.mean(classifier.compute_loss(ours.generate(x_test, y_test), y_test)))
    if recipe == "Madry":
        madry = AdversarialTrainerMadryPGD(
            classifier, nb_epochs=2, batch_size=16, eps=EPS, eps_step=EPS / 4, max_iter=5
        )
        madry.fit(x_train, one_hot)
        trainer = madry.get_classifier()
    else:
        attacks = {
            "ours": ours,
            "theirs": ProjectedGradientDescent(
                classifier, eps=EPS, eps_step=EPS / 4, max_iter=5, verbose=False
            ),
            "two attacks": [ours, MaskedPGD(classifier, eps=EPS, ratio=0.5, max_iter=5)],
            "generator": ours,
        }[recipe]
        trainer = AdversarialTrainer(classifier, attacks=attacks, ratio=1.0)
        if recipe == "generator":
            data = torch.utils.data.TensorDataset(
                torch.from_numpy(x_train), torch.from_numpy(one_hot)
            )
            loader = torch.utils.data.DataLoader(data, batch_size=16)
            generator = PyTorchDataGenerator(iterator=loader, size=len(x_train), batch_size=16)
            trainer.fit_generator(generator, nb_epochs=2)
        else:
            trainer.fit(x_train, one_hot, batch_size=16, nb_epochs=2)
    after = float(np.mean(classifier.compute_loss(ours.generate(x_test, y_test), y_test)))
    assert after < before
    assert robust_accuracy(classifier, x_test, y_test) > 0.9
    np.testing.assert_array_equal(trainer.predict(x_test).argmax(axis=1), y_test)


def test_an_attack_on_one_model_is_transferred_to_another() -> None:
    """Trainers take attacks on another classifier, and then compute their clips only once."""
    np.random.seed(0)  # noqa: NPY002
    (x_train, y_train), (x_test, y_test) = task(96, 0), task(24, 1)
    source = linear_classifier()
    source.fit(x_train, y_train, batch_size=16, nb_epochs=3)
    attack = LinfPGD(source, eps=EPS, max_iter=5)
    transferred = attack.generate(x_test, y_test)
    classifier = linear_classifier()
    trainer = AdversarialTrainer(classifier, attacks=attack, ratio=0.5)
    trainer.fit(x_train, to_categorical(y_train, nb_classes=2), batch_size=16, nb_epochs=3)
    assert accuracy(source, transferred, y_test) == 0
    assert accuracy(classifier, transferred, y_test) > 0.9


def test_metrics_of_art() -> None:
    (x_train, y_train), (x_test, y_test) = task(96, 0), task(12, 1)
    classifier = linear_classifier()
    classifier.fit(x_train, y_train, batch_size=16, nb_epochs=3)
    truth = to_categorical(y_test, nb_classes=2)
    clean = get_labels_np_array(classifier.predict(x_test))
    np.testing.assert_array_equal(clean.argmax(1), y_test)

    weight = classifier.model[1].weight.detach().numpy()
    logits = classifier.predict(x_test)
    margin = np.abs(logits[:, 0] - logits[:, 1])
    needed = margin / np.abs(weight[0] - weight[1]).sum()
    step = 0.005
    fooled_at = np.ceil(needed / step) * step
    # FGSM with the smallest budget, in steps, that fools, over the norm of the clip.
    sizes = np.linalg.norm(x_test.reshape(len(x_test), -1), ord=np.inf, axis=1)
    robustness = empirical_robustness(
        classifier, x_test, "fgsm", {"eps": 0.1, "eps_step": step, "norm": np.inf}
    )
    assert robustness == pytest.approx(np.mean(fooled_at / sizes), rel=1e-3)

    pgd = LinfPGD(classifier, eps=EPS, max_iter=5, verbose=False)
    assert adversarial_accuracy(classifier, x_test, y=truth, attack_crafter=pgd) == 0
    gradients = classifier.loss_gradient(x_test, truth).reshape(len(x_test), -1)
    expected = np.mean(np.linalg.norm(gradients, axis=1))
    assert loss_sensitivity(classifier, x_test, truth) == pytest.approx(expected, rel=1e-4)


def test_a_postprocessor_of_art_is_applied() -> None:
    (x_train, y_train), (x_test, _) = task(64, 0), task(8, 1)
    plain = linear_classifier()
    plain.fit(x_train, y_train, batch_size=16, nb_epochs=3)
    defended = VideoClassifier(
        plain.model, nb_classes=2, input_shape=SHAPE, postprocessing_defences=Rounded(decimals=1)
    )
    np.testing.assert_array_equal(defended.predict(x_test), plain.predict(x_test).round(1))


def test_settings_of_our_attacks_are_set_as_in_art() -> None:
    x, y = task(4, 0)
    classifier = linear_classifier()
    attack = LinfPGD(classifier, eps=EPS, max_iter=3)
    attack.set_params(eps=2 * EPS, eps_step=EPS, verbose=False)
    assert np.abs(attack.generate(x, y) - x).max() <= 2 * EPS + 1e-6
    with pytest.raises(ValueError, match="eps must be above 0"):
        attack.set_params(eps=0.0)
