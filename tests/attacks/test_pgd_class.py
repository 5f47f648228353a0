"""PGD as an attack class of ART: arrays, labels, batches, random starts, settings."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from advvid.attacks import AttackBatch, LinfPGD, StepSizeLaw, linf_pgd
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, CLIP_SHAPE, LinearClipModel, random_clips, small_model


def test_same_seed_same_result_whatever_the_batch_size() -> None:
    classifier = VideoClassifier(small_model(), input_shape=CLIP_SHAPE, nb_classes=CLASSES)
    clips, labels = random_clips(7)

    def run(batch_size: int, seed: int = 5) -> Tensor:
        attack = LinfPGD(
            classifier,
            max_iter=1,
            num_random_init=2,
            batch_size=batch_size,
            seed=seed,
            verbose=False,
        )
        return attack.generate(clips, labels)

    assert (run(7) - run(2)).abs().mean() < 1e-6
    assert (run(7) - run(7, seed=6)).abs().mean() > 1e-3


def test_art_class_takes_arrays_layouts_and_one_hot_labels() -> None:
    model = small_model()
    clips, labels = random_clips()
    first = VideoClassifier(model, input_shape=CLIP_SHAPE, nb_classes=CLASSES)
    last = VideoClassifier(model, input_shape=(4, 8, 8, 3), nb_classes=CLASSES, layout="NTHWC")
    expected = LinfPGD(first, eps=4 / 255).generate(clips, labels)
    array = clips.permute(0, 2, 3, 4, 1).numpy()
    got = LinfPGD(last, eps=4 / 255).generate(array, np.eye(CLASSES)[labels.numpy()])
    assert got.shape == array.shape
    assert got.dtype == np.float32
    torch.testing.assert_close(torch.from_numpy(got).permute(0, 4, 1, 2, 3), expected)


def test_class_gives_each_clip_its_own_budget_and_mask_in_any_batch() -> None:
    classifier = VideoClassifier(LinearClipModel(classes=CLASSES))
    clips, labels = random_clips(7)
    eps = torch.linspace(1, 12, 7) / 255
    mask = torch.rand(7, 1, 4, 8, 8, generator=torch.Generator().manual_seed(0)) < 0.5
    runs = [
        LinfPGD(classifier, eps=eps, batch_size=size, verbose=False).generate(
            clips, labels, mask=mask
        )
        for size in (2, 7)
    ]
    assert torch.equal(*runs)
    distance = (runs[0] - clips).abs()
    assert (distance.flatten(1).amax(1) <= eps + 1e-6).all()
    assert (distance.flatten(1).amax(1) >= eps - 1e-6).all()
    assert not ((distance > 0) & ~mask).any()
    with pytest.raises(InputError, match="each of the 7 clips"):
        LinfPGD(classifier, eps=eps[:2]).generate(clips, labels)


def test_a_generator_gives_every_call_its_own_random_starts() -> None:
    classifier = VideoClassifier(LinearClipModel(classes=CLASSES))
    clips, labels = random_clips(4)

    def two_calls(seed: int | torch.Generator) -> list[Tensor]:
        attack = LinfPGD(classifier, max_iter=1, num_random_init=1, seed=seed)
        return [attack.generate(clips, labels) for _ in range(2)]

    assert torch.equal(*two_calls(5))
    first = two_calls(torch.Generator().manual_seed(5))
    assert not torch.equal(*first)
    assert torch.equal(first[1], two_calls(torch.Generator().manual_seed(5))[1])


def test_memory_that_runs_out_halves_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = VideoClassifier(LinearClipModel(classes=CLASSES))
    clips, labels = random_clips(9)
    expected = LinfPGD(classifier, num_random_init=1).generate(clips, labels)
    perturb = LinfPGD.perturb

    def hungry(self: LinfPGD, model: Any, batch: AttackBatch) -> Any:
        if len(batch.clips) > 2:
            raise torch.OutOfMemoryError
        return perturb(self, model, batch)

    monkeypatch.setattr(LinfPGD, "perturb", hungry)
    assert torch.equal(LinfPGD(classifier, num_random_init=1).generate(clips, labels), expected)


def test_no_step_size_means_the_law() -> None:
    model = small_model()
    clips, labels = random_clips()
    by_law = linf_pgd(model, clips, labels, eps=8 / 255, steps=3)
    by_hand = linf_pgd(model, clips, labels, eps=8 / 255, step_size=0.2 * 9 / 255, steps=3)
    own_law = linf_pgd(model, clips, labels, eps=8 / 255, step_size=StepSizeLaw(0.5, 0), steps=3)
    assert torch.equal(by_law, by_hand)
    assert not torch.equal(by_law, own_law)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"eps": 0}, "above 0"),
        ({"eps": -0.1}, "above 0"),
        ({"eps": 8}, "8 / 255"),
        ({"eps": float("nan")}, "above 0"),
        ({"eps_step": 0}, "step size"),
        ({"max_iter": 0}, "max_iter"),
        ({"num_random_init": -1}, "num_random_init"),
        ({"batch_size": 0}, "batch_size"),
        ({"loss": "mse"}, "ce, dlr, cw"),
    ],
)
def test_bad_settings_are_refused(settings_: dict[str, Any], words: str) -> None:
    classifier = VideoClassifier(small_model(), nb_classes=CLASSES)
    with pytest.raises(InputError, match=words):
        LinfPGD(classifier, **settings_)


def test_a_model_without_a_gradient_is_refused_in_one_line() -> None:
    inner = LinearClipModel(classes=CLASSES)
    clips, labels = random_clips()

    def cut(x: Tensor) -> Tensor:
        logits: Tensor = inner(x.detach())
        return logits

    for wants_gradient in (True, False):
        inner.requires_grad_(wants_gradient)
        with pytest.raises(InputError, match=r"no gradient with respect to its clips.*square"):
            linf_pgd(cut, clips, labels, eps=0.1)

    def broken(x: Tensor) -> Tensor:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        linf_pgd(broken, clips, labels, eps=0.1)
