from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advvid.attacks import ATTACKS, AutoAttack, apgd, apgd_targeted, auto_attack, parse_attack
from advvid.attacks.autoattack import PARTS, STANDARD
from advvid.attacks.core.eight_bits import in_8_bits
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import (
    CLASSES,
    CLIP_SHAPE,
    LinearClipModel,
    bent_model,
    random_clips,
)

COSTS: dict[str, Any] = {"steps": 8, "targets": 3}


def case(count: int = 32) -> tuple[nn.Module, Tensor, Tensor]:
    model = bent_model()
    clips, _ = random_clips(count)
    labels = model(clips).argmax(1)
    labels[0] = (labels[0] + 1) % CLASSES
    return model, clips, labels


PART_SETTINGS: dict[str, dict[str, Any]] = {
    "apgd-ce": {"max_iter": 4},
    "apgd-t": {"max_iter": 4, "targets": 2},
    "fab-t": {"max_iter": 4, "targets": 2},
    "square": {"queries": 20},
    "apgd-dlr": {"max_iter": 4},
}


class InDouble(nn.Module):
    """Computes in float64: what the batch changes in the rounding of a sum does not show."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner.double()
        self.num_classes = CLASSES

    def forward(self, clips: Tensor) -> Tensor:
        logits: Tensor = self.inner(clips.double()).float()
        return logits


@pytest.mark.parametrize("seed", range(3))
def test_every_clip_that_a_part_alone_fools_is_fooled(seed: int) -> None:
    model = InDouble(bent_model(seed))
    clips = random_clips(12, seed=seed)[0].mul(255).round().div(255)
    labels = model(clips).argmax(1)
    labels[0] = (labels[0] + 1) % CLASSES
    eps = 2.6 / 255
    classifier = VideoClassifier(model)
    common: dict[str, Any] = {"eps": eps, "seed": seed, "verbose": False, "batch_size": 16}
    subsets = (STANDARD, PARTS[::-1])
    whole = [
        AutoAttack(classifier, max_iter=4, targets=2, queries=20, parts=parts, **common)
        for parts in subsets
    ]
    results = [attack.generate(clips, labels) for attack in whole]
    for part, settings in PART_SETTINGS.items():
        alone = ATTACKS[part].build(classifier, **common, **settings).generate(clips, labels)
        for parts, result in zip(subsets, results, strict=True):
            if part in parts:
                for found, mine in (
                    (alone, result),
                    (in_8_bits(alone, (clips, eps)), in_8_bits(result, (clips, eps))),
                ):
                    fooled = model(found).argmax(1) != labels
                    assert (fooled <= (model(mine).argmax(1) != labels)).all(), part
    for attack, parts, result in zip(whole, subsets, results, strict=True):
        broken_by = attack.report["broken_by"]
        assert torch.equal(model(result).argmax(1) == labels, broken_by == 0)
        places = {1 + PARTS.index(part) for part in parts}
        assert set(broken_by.tolist()) <= {-1, 0, *places}


def test_attacks_run_in_the_order_that_is_given() -> None:
    model, clips, labels = case()
    eps = 0.012
    result = auto_attack(model, clips, labels, eps=eps, queries=40, seed=3, **COSTS)
    assert result.broken_by[0] == -1
    assert 0 < (result.broken_by == 0).sum() < 31
    # What the first fools is counted as its own.
    first = model(apgd(model, clips, labels, eps=eps, steps=8, seed=3)).argmax(1) != labels
    assert torch.equal(result.broken_by == 1, first & (result.broken_by != -1))
    parts = ("square", "apgd-ce")
    turned = auto_attack(model, clips, labels, eps=eps, queries=40, seed=3, parts=parts, **COSTS)
    assert (turned.broken_by == 1 + PARTS.index("square")).any()
    assert set(turned.broken_by.tolist()) <= {-1, 0, 1, 4}


def test_what_is_misclassified_only_before_rounding_is_attacked() -> None:
    class Threshold(nn.Module):
        """Misclassifies clips whose first pixel lies above 100.2 levels."""

        def forward(self, clips: Tensor) -> Tensor:
            height = 255 * clips[:, 0, 0, 0, 0] - 100.2
            return torch.stack([-height, height], dim=1)

    clips = torch.full((2, 3, 1, 2, 2), 100.3 / 255)
    result = auto_attack(
        Threshold(), clips, torch.zeros(2, dtype=torch.int64), eps=2 / 255, parts=["apgd-ce"]
    )
    assert (in_8_bits(result.clips)[:, 0, 0, 0, 0] > 100.5 / 255).all()
    assert result.broken_by.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("apgd-ce/apgd", "AutoAttack has no part 'apgd'; did you mean"),
        ("fab-t/fab-t", "names fab-t twice"),
        ("", "must name at least one"),
    ],
)
def test_parts_that_are_none_are_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_attack(f"autoattack:parts={text}")
    with pytest.raises(InputError, match="at least one of"):
        AutoAttack(VideoClassifier(LinearClipModel()), parts=())


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


def test_clips_and_models_of_double_precision_are_attacked_in_it() -> None:
    model = bent_model().double()
    clips = random_clips(8)[0].double()
    labels = model(clips).argmax(1)
    costs: dict[str, Any] = {"steps": 4, "queries": 20, "targets": 2}
    result = auto_attack(model, clips, labels, eps=0.012, parts=PARTS, **costs)
    assert result.clips.dtype == torch.float64
    assert (result.clips - clips).abs().max() <= 0.012 + 1e-12
    assert torch.equal(model(result.clips).argmax(1) == labels, result.broken_by == 0)
    assert (result.broken_by > 0).any()
