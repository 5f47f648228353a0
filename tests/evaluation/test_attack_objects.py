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
from advvid.evaluation.conditions.suites import expand
from advvid.methods.text import spell
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
    masked = "masked-pgd:max_iter=2,ratio=0.4,corner=random"
    assert found.attacks == ("pgd:eps_step=0.02,max_iter=3", masked)
    by_text = evaluate(
        classifier,
        clips,
        labels,
        attacks=["pgd:eps_step=0.02,max_iter=3", f"{masked},eps=0.9"],
        eps=[0.1, 0.3],
        alarms=False,
    )
    for ours, theirs in zip(found.results, by_text.results, strict=True):
        np.testing.assert_array_equal(ours.correct, theirs.correct)
        np.testing.assert_array_equal(ours.loss, theirs.loss)
        assert ours.facts == theirs.facts
    assert "own eps" not in found.to_markdown()
    # The name is a text that gives the same attack.
    given = {"max_iter": 2, "ratio": 0.4, "corner": "random"}
    assert parse_attack(found.attacks[1]).settings == given


def test_an_evaluation_searches_the_corner_where_nothing_else_is_asked_for() -> None:
    classifier, clips, labels = case()
    same: dict[str, Any] = {"ratio": 0.4, "max_iter": 2, "eps": 0.9, "verbose": False}
    texts = {
        "search": "masked-pgd:eps=0.9,max_iter=2,ratio=0.4",
        "random": "masked-pgd:eps=0.9,max_iter=2,ratio=0.4,corner=random",
        "1x2": "masked-pgd:eps=0.9,max_iter=2,ratio=0.4,corner=1x2",
    }
    found = evaluate(classifier, clips, labels, attacks=list(texts.values()), alarms=False)
    assert [one.facts["corner"] for one in found.results] == list(texts)
    objects = [
        MaskedPGD(classifier, corner=corner, **same) for corner in ("search", "random", (1, 2))
    ]
    by_object = evaluate(classifier, clips, labels, attacks=objects, alarms=False)
    for ours, theirs, attack in zip(found.results, by_object.results, objects, strict=True):
        assert ours.facts == theirs.facts
        np.testing.assert_array_equal(ours.loss, theirs.loss)
        # A row's name gives the same attack again.
        again = evaluate(
            classifier, clips, labels, attacks=theirs.name, eps=[0.9], alarms=False
        ).results[0]
        assert again.facts["corner"] == spell(attack.corner)
        np.testing.assert_array_equal(again.loss, theirs.loss)
    assert parse_attack(texts["search"]).build(classifier, eps=0.9).corner == "random"
    paper = [one.spec.settings for one in expand(["paper"]) if one.spec.name == "masked-pgd"]
    assert [one["corner"] for one in paper] == ["random"] * 3
    # One corner for all clips is not searched clip by clip.
    shared = evaluate(classifier, clips, labels, attacks="masked-pgd:shared=yes", alarms=False)
    assert shared.results[0].facts["corner"] == "random"


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
