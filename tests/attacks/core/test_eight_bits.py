import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from advvid.attacks import fab_targeted, sparse_attack
from advvid.attacks.core.eight_bits import Settled, in_8_bits, outward
from advvid.attacks.core.linf_box import linf_box
from tests.clip_models import bent_model, random_clips


def brightness(threshold: float) -> torch.nn.Module:
    """Two classes: of gray clips of level 100, those that are brighter by more than a threshold."""

    class Brightness(torch.nn.Module):
        def forward(self, clips: Tensor) -> Tensor:
            levels = clips.mean(dim=(1, 2, 3, 4)) * 255 - 100
            return torch.stack([torch.full_like(levels, threshold), levels], dim=1)

    return Brightness()


def gray() -> tuple[Tensor, Tensor]:
    return torch.full((2, 3, 2, 8, 8), 100 / 255), torch.zeros(2, dtype=torch.int64)


def test_what_rounding_undoes_is_lengthened_as_little_as_it_takes() -> None:
    """From 0.3 levels to 4 in eight steps: 0.76 is the first that rounds to a level."""
    clips, labels = gray()
    found = clips + 0.3 / 255
    settled = Settled(brightness(0.2), clips, labels, 4 / 255)
    longest = torch.tensor([4 / 0.3] * 2)
    moved = outward(found, torch.tensor([True, False]), linf_box(clips, 4 / 255), settled, longest)
    levels = (moved - clips) * 255
    torch.testing.assert_close(levels[0], torch.full_like(levels[0], 0.3 + 3.7 / 8))
    assert torch.equal(moved[1], found[1])
    # Nothing is left to lengthen in a budget that holds no level.
    tight = Settled(brightness(0.2), clips, labels, 0.4 / 255)
    both = torch.tensor([True, True])
    kept = outward(found, both, linf_box(clips, 0.4 / 255), tight, longest / 10)
    assert torch.equal(kept, found)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.3, 8), st.floats(0.05, 1))
def test_it_stays_in_the_box_and_leaves_what_is_settled(
    seed: int, levels: float, share: float
) -> None:
    model, eps = bent_model(seed % 7), levels / 255
    clips, _ = random_clips(6, seed=seed)
    labels = model(clips).argmax(1)
    mask = torch.zeros(1, 1, 4, 1, 1)
    mask[:, :, :3] = 1
    box = linf_box(clips, eps, mask)
    generator = torch.Generator().manual_seed(seed)
    sign = torch.randn(clips.shape, generator=generator).sign()
    found = box.project_(clips + share * eps * sign)
    settled = Settled(model, clips, labels, eps)
    fooled = settled.fooled(found)
    longest = eps / (found - clips).abs().flatten(1).amax(1).clamp_min(1e-12)
    moved = outward(found, fooled, box, settled, longest)
    assert ((moved >= box.lower) & (moved <= box.upper)).all()
    assert settled.fooled(moved)[fooled].all()
    before, after = (settled(x, fooled) for x in (found, moved))
    assert after[before].all()
    changed = (moved != found).flatten(1).any(1)
    assert torch.equal(changed, after & ~before)


@pytest.mark.parametrize("attack", ["fab", "sparse"])
def test_attacks_that_seek_the_nearest_survive_rounding(attack: str) -> None:
    """0.2 levels would do; what they give is one, or what rounds to it."""
    clips, labels = gray()
    model = brightness(0.2)
    if attack == "fab":
        found = fab_targeted(model, clips, labels, eps=4 / 255, steps=10)
    else:
        found = sparse_attack(model, clips, labels, eps=4 / 255, regularization=0.1).clips
    rounded = in_8_bits(found, (clips, 4 / 255))
    assert (model(found).argmax(1) == 1).all()
    assert (model(rounded).argmax(1) == 1).all()
