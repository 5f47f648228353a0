"""Balls in L2 and L1: projections against a slow exact solver, steps and starts in closed form."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from torch import Tensor

from advvid.attacks.core.balls import NormBall, ball_of
from tests.clip_models import random_clips

ORDERS = {"L2": 2, "L1": 1}


def length(norm: str, delta: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(delta.flatten(1).double(), ORDERS[norm], dim=1)
    return lengths


def slowly(norm: str, clean: Tensor, point: Tensor, eps: float, mask: Tensor) -> Tensor:
    """Project one clip by bisection on the multiplier of the ball, in float64."""
    clean, delta = clean.double(), point.double() - clean.double()

    def at(multiplier: float) -> Tensor:
        if norm == "L2":
            shorter = delta / (1 + multiplier)
        else:
            shorter = delta.sign() * (delta.abs() - multiplier).clamp_min(0)
        return ((clean + shorter).clamp(0, 1) - clean) * mask

    def excess(multiplier: float) -> float:
        return float(length(norm, at(multiplier)[None])) - eps

    if excess(0) <= 0:
        return clean + at(0)
    return clean + at(brentq(excess, 0, 1e12 if norm == "L2" else 1e3, xtol=1e-14, rtol=1e-14))


@pytest.mark.parametrize("norm", ORDERS)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    eps=st.floats(1e-3, 30),
    far=st.sampled_from([1e-3, 0.3, 5.0]),
    frames=st.integers(1, 3),
    double=st.booleans(),
)
def test_projections_are_those_of_a_slow_solver(
    norm: str, seed: int, eps: float, far: float, frames: int, double: bool
) -> None:
    shape = (3, frames, 4, 5)
    clean, _ = random_clips(3, shape, seed=seed)
    noise = far * torch.randn(3, *shape, generator=torch.Generator().manual_seed(seed))
    # Ties, and pixels that stay.
    noise[0] = noise[0].sign() * far
    noise[:, :, :, 0] = 0
    mask = (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) > 0.2).float()
    if double:
        clean, noise = clean.double(), noise.double()
    ball = ball_of(norm, clean, eps, mask)
    found = ball.project_(clean + noise)
    assert found.dtype == clean.dtype
    # Never beyond the budget, as float64 counts it, not even by the rounding of the pixels.
    assert (length(norm, found.double() - clean.double()) <= eps * (1 + 1e-11)).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert torch.equal(found.where(mask == 0, clean), clean)
    for i in range(3):
        expected = slowly(norm, clean[i], clean[i] + noise[i], eps, mask)
        torch.testing.assert_close(found[i].double(), expected, atol=3e-7, rtol=0)


@pytest.mark.parametrize("norm", ORDERS)
def test_a_hard_case_is_met_to_the_end(norm: str) -> None:
    """Sizes and rooms over many orders of magnitude, where Newton's method alone takes long."""
    count = 3 * 16 * 16
    sizes = torch.logspace(-9, 0, count, dtype=torch.float64)
    room = torch.logspace(0, -9, count, dtype=torch.float64)
    clean = (1 - room).view(1, 3, 1, 16, 16)
    reach = torch.minimum(sizes, room).norm(ORDERS[norm]).item()
    for share in (1e-6, 0.5, 1 - 1e-9):
        ball = ball_of(norm, clean, share * reach)
        assert isinstance(ball, NormBall)
        moved = ball._shortened(sizes[None], (1 - clean).flatten(1))
        assert moved.norm(ORDERS[norm]).item() == pytest.approx(share * reach, rel=1e-11)


@pytest.mark.parametrize("norm", ORDERS)
def test_steps_have_length_1_and_are_the_steepest_that_can_be_taken(norm: str) -> None:
    clips, _ = random_clips(3)
    ball = ball_of(norm, clips, 2.0)
    gradient = torch.randn(clips.shape, generator=torch.Generator().manual_seed(0))
    gradient[0, 0] = torch.nan
    blocked = gradient.isnan()
    if norm == "L1":
        # Few pixels move, so none of the steps may be lost at an end of the pixel range.
        blocked |= ((clips == 1) & (gradient > 0)) | ((clips == 0) & (gradient < 0))
    step = ball.direction(clips, gradient)
    assert not step[blocked].any()
    assert blocked.any()
    torch.testing.assert_close(length(norm, step), torch.ones(3).double())
    free = gradient.masked_fill(blocked, 0)
    gain = (step * free).flatten(1).sum(1)
    if norm == "L2":
        torch.testing.assert_close(gain, free.flatten(1).norm(dim=1))
    else:
        count = int(0.05 * clips[0].numel())
        best = free.flatten(1).abs().topk(count, dim=1).values.mean(dim=1)
        torch.testing.assert_close(gain, best)
    for nothing in (torch.zeros_like(gradient), torch.full_like(gradient, torch.nan)):
        assert not ball.direction(clips, nothing).any()
    tiny, huge = ball.direction(clips, 1e-40 * free), ball.direction(clips, 1e30 * free)
    torch.testing.assert_close(huge, ball.direction(clips, free))
    torch.testing.assert_close(length(norm, tiny), torch.ones(3).double(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("norm", ORDERS)
def test_starts_are_in_the_ball_and_each_clip_has_its_own_budget(norm: str) -> None:
    clips = 0.2 + 0.6 * random_clips(3)[0]
    eps = torch.tensor([0.5, 1.0, 2.0])
    mask: Any = torch.zeros(1, 1, *clips.shape[2:])
    mask[..., 4:] = 1
    ball = ball_of(norm, clips, eps, mask)
    start = ball.at(torch.rand(clips.shape, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(length(norm, start - clips), eps.double(), atol=1e-5, rtol=0)
    assert not ((start - clips) * (1 - mask)).any()
    chosen = torch.tensor([2, 0])
    part = ball.select(chosen).project_(start[chosen].clone().add_(0.5))
    assert torch.equal(part, ball.project_(start.clone().add_(0.5))[chosen])
