from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advvid.attacks import AutoAttack, apgd, apgd_targeted, auto_attack, fab_targeted
from advvid.attacks.autoattack import PARTS
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.random_streams import clip_seeds
from tests.clip_models import CLASSES, CLIP_SHAPE, LinearClipModel, bent_model, random_clips

COSTS: dict[str, Any] = {"steps": 8, "targets": 3}


def case(count: int = 32) -> tuple[nn.Module, Tensor, Tensor]:
    model = bent_model()
    clips, _ = random_clips(count)
    labels = model(clips).argmax(1)
    labels[0] = (labels[0] + 1) % CLASSES
    return model, clips, labels


def test_what_survives_all_survives_each() -> None:
    model, clips, labels = case()
    eps = 0.012
    result = auto_attack(model, clips, labels, eps=eps, queries=40, seed=3, **COSTS)
    correct = result.broken_by == 0
    assert torch.equal(model(result.clips).argmax(1) == labels, correct)
    assert result.broken_by[0] == -1
    assert 0 < correct.sum() < 31
    seeds = clip_seeds(3, len(clips))
    alone = [
        apgd(model, clips, labels, eps=eps, steps=8, seed=seeds + 1),
        apgd_targeted(model, clips, labels, eps=eps, seed=seeds + 2, **COSTS),
        fab_targeted(model, clips, labels, eps=eps, seed=seeds + 3, **COSTS),
    ]
    for adversarial in alone:
        assert (model(adversarial).argmax(1) == labels)[correct].all()
    # Attacks run in turn: what the first fools is counted as its own.
    first = model(alone[0]).argmax(1) != labels
    assert torch.equal(result.broken_by == 1, first & (result.broken_by != -1))


def test_a_mask_of_pixels_is_not_taken_for_one_of_each_clip() -> None:
    # As many clips as rows, so that (H, W) and (B, ...) have the same first length.
    model = bent_model()
    clips, _ = random_clips(CLIP_SHAPE[2])
    labels = model(clips).argmax(1)
    mask = torch.zeros(CLIP_SHAPE[2:])
    mask[: CLIP_SHAPE[2] // 2] = 1
    options: dict[str, Any] = {"eps": 0.02, "steps": 4, "seed": 0}
    for shaped in (mask, mask[None, None, None].expand(len(clips), -1, -1, -1, -1)):
        targeted = apgd_targeted(model, clips, labels, mask=shaped, **options)
        whole = auto_attack(model, clips, labels, mask=shaped, queries=20, **options).clips
        if shaped is mask:
            expected = targeted, whole
    assert torch.equal(targeted, expected[0])
    assert torch.equal(whole, expected[1])
    survives = model(targeted).argmax(1) == labels
    assert 0 < int(survives.sum()) < len(clips), "later runs see fewer clips, but some"
    assert not bool(((whole - clips) * (1 - mask)).any())


def test_square_succeeds_where_gradients_are_masked() -> None:
    class Rounded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = LinearClipModel(classes=CLASSES)
            self.num_classes = CLASSES

        def forward(self, clips: Tensor) -> Tensor:
            logits: Tensor = self.inner(torch.round(clips * 255) / 255 + 0 * clips)
            return logits

    model = Rounded()
    clips, _ = random_clips(8)
    clips = 0.3 + 0.4 * clips
    labels = model(clips).argmax(1)
    result = auto_attack(model, clips, labels, eps=0.2, queries=100, steps=3)
    assert (result.broken_by == 1 + PARTS.index("square")).sum() >= 6


def test_two_classes_are_enough() -> None:
    model = LinearClipModel()
    clips, labels = random_clips(4, classes=2)
    attack = AutoAttack(
        VideoClassifier(model), eps=0.5, max_iter=5, queries=5, targets=9, verbose=False
    )
    adversarial = attack.generate(clips, labels)
    assert (model(adversarial).argmax(1) != labels).all()
    assert attack.report["broken_by"].shape == (4,)


@pytest.mark.parametrize("name", ["max_iter", "queries", "targets", "num_random_init"])
def test_bad_settings_are_refused(name: str) -> None:
    settings: dict[str, Any] = {name: 0}
    with pytest.raises(InputError, match=name):
        AutoAttack(VideoClassifier(LinearClipModel()), **settings)
