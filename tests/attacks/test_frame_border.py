import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from advvid.attacks import FrameBorder, frame_border, parse_attack
from advvid.attacks.core.masks import border_mask, border_thickness
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import LinearClipModel, random_clips


@pytest.mark.parametrize(
    ("height", "width", "ratio", "thickness"),
    [(112, 112, 0.15, 4), (8, 8, 0.75, 2), (8, 8, 1.0, 4), (7, 9, 1.0, 4), (10, 10, 0.36, 1)],
)
def test_thickness_is_the_papers(height: int, width: int, ratio: float, thickness: int) -> None:
    assert border_thickness(height, width, ratio) == thickness


@given(st.integers(4, 60), st.integers(4, 60), st.floats(0.05, 0.999))
def test_thickness_is_the_largest_that_does_not_cover_more(
    height: int, width: int, ratio: float
) -> None:
    """Covered: H W - (H - 2b)(W - 2b) pixels."""

    def covered(thickness: int) -> float:
        inside = max(0, height - 2 * thickness) * max(0, width - 2 * thickness)
        return height * width - inside

    try:
        thickness = border_thickness(height, width, ratio)
    except InputError:
        thickness = 0
    assert covered(thickness) <= ratio * height * width + 1e-6
    assert covered(thickness + 1) > ratio * height * width - 1e-6
    if thickness:
        mask = border_mask(height, width, thickness)
        assert int(mask.sum()) == covered(thickness)
        assert mask[0, 0, 0, 0].all()
        assert mask[0, 0, 0, :, -1].all()
        assert not mask[
            0, 0, 0, thickness : height - thickness, thickness : width - thickness
        ].any()


def test_whole_range_of_the_border_is_used_and_nothing_else() -> None:
    """The closed form on a linear model: every pixel of the border goes to its end."""
    model = LinearClipModel()
    clips, labels = random_clips(classes=2)
    adversarial = frame_border(model, clips, labels, eps=1, thickness=2, step_size=0.5, steps=4)
    away = (model.weight[1 - labels] - model.weight[labels]).view_as(clips).sign()
    expected = torch.where(border_mask(8, 8, 2), (clips + away).clamp(0, 1), clips)
    torch.testing.assert_close(adversarial, expected)


def test_settings_by_text_and_report() -> None:
    attack = parse_attack("frame-border:eps=1,thickness=3").build(
        VideoClassifier(LinearClipModel()), eps=8 / 255, verbose=False
    )
    assert isinstance(attack, FrameBorder)
    assert attack.eps == 1
    clips, labels = random_clips(classes=2)
    attack.generate(clips, labels)
    assert torch.equal(attack.report["support"][:1], border_mask(8, 8, 3))


@pytest.mark.parametrize("ratio", [0, -0.1, 1.01, math.nan, 0.001])
def test_bad_borders_are_refused(ratio: float) -> None:
    clips, labels = random_clips(classes=2)
    with pytest.raises(InputError, match="ratio"):
        frame_border(LinearClipModel(), clips, labels, eps=1, ratio=ratio)


def test_bad_thickness_is_refused() -> None:
    with pytest.raises(InputError, match="thickness"):
        FrameBorder(VideoClassifier(LinearClipModel()), thickness=0)
