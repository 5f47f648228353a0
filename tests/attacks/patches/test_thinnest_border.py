"""For each clip the thinnest border that fools."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from advvid.attacks import FrameBorder, frame_border, parse_attack
from advvid.attacks.core.eight_bits import in_8_bits
from advvid.attacks.core.masks import border_mask
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, LinearClipModel, bent_model, random_clips


def searched(model: nn.Module, **more: Any) -> FrameBorder:
    given: dict[str, Any] = {"ratio": 1.0, "thickness": "search", "verbose": False, **more}
    return FrameBorder(VideoClassifier(model, nb_classes=CLASSES), **given)


def test_the_thinnest_border_is_that_of_the_closed_form() -> None:
    """A border fools a linear model where eps times the weights in it exceed the margin."""
    shape, eps = (3, 2, 9, 11), 0.1
    model = LinearClipModel(shape)
    clips = 0.4 + 0.2 * random_clips(40, shape)[0]
    labels = model(clips).argmax(1)
    need = (model(clips)[:, 0] - model(clips)[:, 1]).abs().detach()
    gains = (model.weight[1] - model.weight[0]).detach().view(shape).abs()
    reach = [eps * (gains * border_mask(9, 11, b)[0]).sum() for b in range(1, 6)]
    attack = FrameBorder(
        VideoClassifier(model), eps=eps, ratio=1.0, thickness="search", verbose=False, max_iter=5
    )
    adversarial = attack.generate(clips, labels)
    for clip, border in enumerate(attack.report["border"].tolist()):
        # In 8 bits a pixel may go a level less far, of 25.
        assert border == 1 or 0.95 * reach[border - 2] < need[clip]
        assert border == 5 or reach[border - 1] > need[clip]
    assert len(attack.report["border"].unique()) > 1
    for clip, border in enumerate(attack.report["border"].tolist()):
        assert torch.equal(attack.report["support"][clip], border_mask(9, 11, border)[0])
    assert torch.equal(adversarial.where(~attack.report["support"], clips), clips)


@settings(max_examples=15, deadline=None)
@given(eps=st.floats(0.02, 0.6), seed=st.integers(0, 50), targeted=st.booleans())
def test_no_border_of_the_full_thickness_is_stronger(eps: float, seed: int, targeted: bool) -> None:
    model, (clips, labels) = bent_model(seed), random_clips(8, seed=seed)
    pgd: dict[str, Any] = {"eps": eps, "ratio": 0.8, "steps": 4, "targeted": targeted}

    def fools(attacked: Tensor) -> Tensor:
        answer: Tensor = model(in_8_bits(attacked, (clips, eps))).argmax(1)
        return (answer == labels) if targeted else (answer != labels)

    full = frame_border(model, clips, labels, early_stop=True, **pgd)
    thinnest = frame_border(model, clips, labels, thickness="search", **pgd)
    assert (fools(thinnest) | ~fools(full)).all()
    assert (thinnest - clips).abs().max() <= eps + 1e-6


def test_clips_that_cannot_be_fooled_get_the_full_border_and_no_batch_matters() -> None:
    model = bent_model()
    clips, _ = random_clips(6)
    labels = model(clips).argmax(1)
    eps = torch.tensor([0.001, 0.5, 0.1, 0.001, 0.2, 0.05])
    found = []
    for size in (1, 4, 6):
        attack = searched(model, eps=eps, batch_size=size, max_iter=5)
        found.append((attack.generate(clips, labels), attack.report["border"]))
    for adversarial, border in found:
        assert torch.equal(adversarial, found[0][0])
        assert border.tolist() == found[0][1].tolist()
    assert border[0] == border[3] == 4
    assert border[1] < 4


def test_a_border_that_is_not_searched_is_reported_too() -> None:
    model, (clips, labels) = bent_model(), random_clips(3)
    attack = FrameBorder(
        VideoClassifier(model, nb_classes=CLASSES), thickness=2, max_iter=1, verbose=False
    )
    attack.generate(clips, labels)
    assert attack.report["border"].tolist() == [2, 2, 2]


def test_search_is_a_word_of_the_text() -> None:
    assert parse_attack("frame-border:thickness=search").settings == {"thickness": "search"}
    assert parse_attack("frame-border:thickness=3").settings == {"thickness": 3}
    for text in ("thickness=0", "thickness=thin", "thickness=1.5"):
        with pytest.raises(InputError, match="thickness"):
            parse_attack(f"frame-border:{text}")
