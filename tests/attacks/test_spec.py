from typing import Any

import pytest
import torch

from advvid.attacks import (
    ATTACKS,
    ArtAttack,
    Flickering,
    LinfPGD,
    MaskedPGD,
    TorchattacksAttack,
    attack_text,
    find_attack,
    parse_attack,
)
from advvid.attacks.core.losses import margin
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.methods import setting_rows
from tests.clip_models import CLASSES, LinearClipModel


@pytest.fixture
def classifier() -> VideoClassifier:
    return VideoClassifier(LinearClipModel(classes=CLASSES))


@pytest.mark.parametrize(
    "text",
    [
        "pgd:eps=8/255",
        "pgd:eps=4/255,eps_step=0.5*eps+0.2/255,max_iter=5,loss=cw,early_stop=yes",
        "masked-pgd:eps=1,ratio=0.3,size=4x6,shared=yes",
        "frame-saliency:eps=0.1,method=one-shot,frames=2",
        "flickering:eps_step=0.02,optimizer=sign",
        "corner-noise:eps=0.1,draws=3",
        "autoattack:eps=0.1,max_iter=3,targets=2",
        "autoattack:eps=0.1,parts=apgd-dlr/apgd-ce",
        "torchattacks/PGDL2:eps=2,steps=7",
        "art/ProjectedGradientDescent:eps=0.1,max_iter=3",
    ],
)
def test_an_object_spells_the_text_that_it_was_made_from(
    text: str, classifier: VideoClassifier
) -> None:
    spec = parse_attack(text)
    assert attack_text(spec.entry.build(classifier, **spec.settings)) == text


def test_objects_are_spelled_without_their_defaults(classifier: VideoClassifier) -> None:
    assert attack_text(LinfPGD(classifier, max_iter=20, seed=4)) == "pgd:eps=8/255"
    assert attack_text(MaskedPGD(classifier, 0.25, ratio=0.15)) == "masked-pgd:eps=0.25"
    short = attack_text(MaskedPGD(classifier, 0.25, ratio=0.3), budget=False)
    assert short == "masked-pgd:ratio=0.3"
    assert attack_text(Flickering(classifier)) == "flickering"
    assert attack_text(ArtAttack(classifier, "ZooAttack", max_iter=3)) == "art/ZooAttack:max_iter=3"
    assert attack_text(TorchattacksAttack(classifier, "FGSM")) == "torchattacks/FGSM"
    # What no text can hold is named all the same.
    objects: dict[str, Any] = {"eps": torch.full((2,), 0.1), "loss": margin}
    assert attack_text(LinfPGD(classifier, **objects)) == "pgd:eps=per-clip,loss=margin"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pgd:max_iters=3", "pgd has no setting 'max_iters'; did you mean max_iter?"),
        ("pgd:seed=3", "pgd has no setting 'seed'"),
        ("pgd:eps=2", "pgd: eps must be at most 1; got 2"),
        ("pgd:eps=0", "pgd: eps must be above 0; got 0"),
        ("pgd:eps=nan", "pgd: eps cannot be 'nan'"),
        ("pgd:eps_step=0", "pgd: the step size must be above 0"),
        ("pgd:eps_step=0.2*eps", "pgd: eps_step cannot be '0.2.eps'"),
        ("pgd:loss=mse", "pgd: loss must be one of ce, dlr, cw; got 'mse'"),
        ("masked-pgd:ratio=0", "masked-pgd: ratio must be above 0 and at most 1; got 0"),
        ("masked-pgd:size=0x3", r"size must be 2 values, each at least 1; got \(0, 3\)"),
        ("sparse:order=last", "order must be one of first, spread, salient"),
        ("apgd-t:loss=cw", "apgd-t has no setting 'loss'"),
        ("fab-t:nb_random_init=2", "did you mean num_random_init"),
        ("no.such:Attack", "cannot import"),
    ],
)
def test_invalid_texts_are_refused_before_anything_runs(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_attack(text)


def test_entries_read_what_their_classes_say() -> None:
    saliency, noise = ATTACKS["frame-saliency"], find_attack("Corner-Noise")
    assert (saliency.norm, saliency.bound, saliency.access) == (
        "Linf",
        "Linf in frames",
        "white box",
    )
    assert saliency.takes_law
    assert not ATTACKS["flickering"].takes_law
    assert (noise.access, noise.summary) == (
        "control",
        "Noise at the corners of the budget, the largest that it allows",
    )
    foreign = find_attack("torchattacks/PGDL2")
    assert (foreign.norm, foreign.bound, foreign.takes_law) == ("L2", "L2", False)
    assert find_attack("art/PGD").takes_law


def test_attack_objects_of_toolkits_know_their_norm(classifier: VideoClassifier) -> None:
    attack = TorchattacksAttack(classifier, "Square-L2", eps=2.0)
    assert (attack.norm, attack.bound, attack.access) == ("L2", "L2", "black box")
    assert TorchattacksAttack.attack_params[-3:] == ["name", "eps", "settings"]


def test_settings_of_every_attack_are_rows_of_words() -> None:
    rows = {row.name: row for row in setting_rows(ATTACKS["masked-pgd"].settings())}
    assert rows["eps"][1:5] == ("number", "1", "pixel range", "above 0")
    assert rows["size"][1:5] == ("two numbers, as 12x16", "", "pixels", "at least 1")
    assert rows["loss"].type == "ce, dlr or cw"
    for name, entry in ATTACKS.items():
        assert all(row.help and row.type for row in setting_rows(entry.settings())), name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pgd:eps_step=x", "wanted a number, such as 0.5 or 8/255, above 0 (step size, a law"),
        ("pgd:max_iter=many", "wanted a whole number, at least 1 (gradient steps)"),
        ("pgd:early_stop=maybe", "wanted yes or no"),
        ("masked-pgd:size=3", "wanted two whole numbers, such as 12x16"),
        ("pgd:eps=8/255,eps=4/255", "eps is given twice"),
    ],
)
def test_a_text_that_cannot_be_read_is_told_what_is_wanted(text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        parse_attack(text)
    assert words in str(error.value)


def test_a_norm_of_choice_makes_another_kind_of_attack() -> None:
    assert parse_attack("pgd").kind == "pgd"
    assert parse_attack("pgd:norm=Linf").kind == "pgd"
    assert parse_attack("pgd:norm=L2,eps=1,loss=cw").kind == "pgd, L2"
