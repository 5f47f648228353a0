"""Attacks that the caller has built are evaluated beside texts."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import advvid
from advvid.attacks import LinfPGD, MaskedPGD, parse_attack
from advvid.attacks.core.step_law import StepSizeLaw
from advvid.errors import InputError
from advvid.evaluation import evaluate
from tests.clip_models import CLASSES, LinearClipModel, random_clips


def case() -> tuple[advvid.VideoClassifier, Tensor, Tensor]:
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(12)
    clips = 0.2 + 0.6 * clips
    return advvid.VideoClassifier(model), clips, model(clips).argmax(1)


def test_an_object_gives_what_its_text_gives_at_its_own_budget() -> None:
    classifier, clips, labels = case()
    objects: list[Any] = [
        LinfPGD(classifier, eps=eps, max_iter=3, eps_step=0.02, verbose=False) for eps in (0.1, 0.3)
    ]
    objects.append(MaskedPGD(classifier, eps=0.9, ratio=0.4, max_iter=2, verbose=False))
    found = evaluate(classifier, clips, labels, attacks=objects, alarms=False)
    assert found.eps == (0.1, 0.3, 0.9)
    assert found.attacks == ("pgd:eps_step=0.02,max_iter=3", "masked-pgd:max_iter=2,ratio=0.4")
    by_text = evaluate(
        classifier,
        clips,
        labels,
        attacks=["pgd:eps_step=0.02,max_iter=3", "masked-pgd:eps=0.9,max_iter=2,ratio=0.4"],
        eps=[0.1, 0.3],
        alarms=False,
    )
    for ours, theirs in zip(found.results, by_text.results, strict=True):
        np.testing.assert_array_equal(ours.correct, theirs.correct)
        np.testing.assert_array_equal(ours.loss, theirs.loss)
        assert ours.facts == theirs.facts
    assert "own eps" not in found.to_markdown()
    # The name is a text that gives the same attack.
    assert parse_attack(found.attacks[1]).settings == {"max_iter": 2, "ratio": 0.4}


def test_objects_and_texts_share_a_table() -> None:
    classifier, clips, labels = case()
    attack = LinfPGD(classifier, eps=0.2, eps_step=StepSizeLaw(0.1, 0.1), verbose=False)
    found = evaluate(
        classifier, clips, labels, attacks=["random-noise", attack], eps=[0.1], alarms=False
    )
    assert found.eps == (0.1, 0.2)
    assert [(r.name.partition(":")[0], r.eps) for r in found.results] == [
        ("random-noise", 0.1),
        ("pgd", 0.2),
    ]
    single = evaluate(classifier, clips, labels, attacks=attack, alarms=False)
    np.testing.assert_array_equal(single.results[0].correct, found.results[1].correct)


def test_an_attack_of_another_toolkit_is_named_as_its_text() -> None:
    classifier, clips, labels = case()
    attack = parse_attack("torchattacks/CW:steps=2").build(classifier, eps=0.1)
    found = evaluate(classifier, clips, labels, attacks=[attack], alarms=False)
    assert found.results[0].name == "torchattacks/CW:steps=2"
    assert found.results[0].facts["norm"] == "none"


def test_objects_that_cannot_be_evaluated_are_one_line() -> None:
    classifier, clips, labels = case()
    other, *_ = case()
    refused: list[tuple[Any, str]] = [
        (LinfPGD(other), "another classifier"),
        (LinfPGD(classifier, targeted=True), "targeted"),
        (LinfPGD(classifier, eps=torch.full((12,), 0.1)), "one budget at a time"),
        (object(), "texts such as"),
    ]
    for attack, words in refused:
        with pytest.raises(InputError, match=words) as error:
            evaluate(classifier, clips, labels, attacks=[attack])
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="twice"):
        evaluate(classifier, clips, labels, attacks=[LinfPGD(classifier), LinfPGD(classifier)])
