"""Flickering whatever the scale of logits, from several starts, and kept by 8 bits."""

from typing import Any

import pytest
import torch
from torch import Tensor

from advvid.attacks import flickering
from advvid.attacks.core.eight_bits import in_8_bits
from advvid.attacks.flickering.objective import FlickeringObjective
from tests.attacks.flickering.test_flickering import case
from tests.clip_models import random_clips


def test_a_model_cannot_hide_by_being_sure() -> None:
    """Twenty times the logits, the same decisions: probabilities of 1, whose gradient is 0."""
    model, clips, labels = case(16)

    def sure(x: Tensor) -> Tensor:
        logits: Tensor = 20 * model(x) / scale
        return logits

    top = model(clips).topk(2, dim=1).values
    scale = float((top[:, 0] - top[:, 1]).min().detach())
    with torch.no_grad():
        assert (sure(clips).softmax(1).amax(1) == 1).all()
    plain = flickering(model, clips, labels, eps=0.2, steps=60).clips
    found = flickering(sure, clips, labels, eps=0.2, steps=60).clips
    misclassified = [(model(x).argmax(1) != labels).float().mean() for x in (plain, found)]
    assert misclassified[0] > 0.4
    assert misclassified[1] >= misclassified[0]


@pytest.mark.parametrize("factor", [1e-4, 1e-2])
def test_a_model_cannot_hide_behind_small_logits(factor: float) -> None:
    """Probabilities that are all alike: the price of being visible would decide alone."""
    model, clips, labels = case(16)

    def small(x: Tensor) -> Tensor:
        logits: Tensor = factor * model(x)
        return logits

    settings: dict[str, Any] = {"eps": 0.2, "steps": 60}
    found = [flickering(m, clips, labels, **settings).offsets for m in (model, small)]
    torch.testing.assert_close(found[1], found[0], atol=1e-4, rtol=0)
    original = flickering(small, clips, labels, **settings, widen=False).clips
    fooled = [(model(x).argmax(1) != labels).sum() for x in (clips + found[1], original)]
    assert fooled[0] > fooled[1] + 4


def test_logits_of_a_trained_model_are_those_of_the_paper() -> None:
    """Scaled only where a clean clip's lie closer together than 5; by clips, not by batches."""
    clips = random_clips(3)[0]
    logits = torch.tensor([[0.0, 5.0, 2.0], [1.0, -7.0, 0.0], [0.0, 0.5, 0.0]])
    scale = FlickeringObjective().logit_scale(lambda x: logits, clips)
    assert scale.flatten().tolist() == [1, 1, 10]
    flat = FlickeringObjective().logit_scale(lambda x: torch.zeros(3, 4), clips)
    assert flat.flatten().tolist() == [1, 1, 1]


def test_random_starts_only_add_to_the_run_from_none() -> None:
    """As many clips are fooled, and none is more visible; within the bound too."""
    model, clips, labels = case(16)
    objective = FlickeringObjective()
    settings: dict[str, Any] = {"eps": 0.06, "steps": 12, "step_size": 0.01}
    plain, several = (
        flickering(model, clips, labels, num_random_init=n, **settings) for n in (0, 3)
    )
    assert several.offsets.abs().max() <= 0.06
    fooled = [model(r.clips).argmax(1) != labels for r in (plain, several)]
    assert fooled[1][fooled[0]].all()
    seen = [objective.visibility(r.offsets)[fooled[0]] for r in (plain, several)]
    assert (seen[1] <= seen[0]).all()
    assert (several.offsets != plain.offsets).any()


def test_what_rounding_would_undo_is_not_kept() -> None:
    """The smallest offset that fools is less than half a level; a video file keeps none of it."""
    clips = torch.full((4, 3, 4, 8, 8), 100 / 255)
    labels = torch.zeros(4, dtype=torch.int64)

    def model(x: Tensor) -> Tensor:
        level = x.mean(dim=(1, 2, 3, 4)) * 255 - 100
        return torch.stack([torch.full_like(level, 0.1), level], dim=1)

    found = flickering(model, clips, labels, step_size=0.0005, steps=60).clips
    assert (model(found).argmax(1) == 1).all()
    assert (model(in_8_bits(found)).argmax(1) == 1).all()
