import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, linprog

from advvid.attacks.core.hyperplane import step_to_hyperplane


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 7), st.floats(-3, 3))
def test_agrees_with_linear_programming(seed: int, size: int, offset: float) -> None:
    """Minimize r over (d, r) with |d_i| <= r, x + d in [0, 1] and <w, d> = -offset."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(size, generator=generator)
    w = torch.randn(size, generator=generator)
    x[0], w[-1] = 0, 0
    step = step_to_hyperplane(
        x[None], w[None], torch.tensor([offset]), torch.zeros(1, size), torch.ones(1, size)
    )[0]
    assert ((x + step) >= -1e-6).all()
    assert ((x + step) <= 1 + 1e-6).all()
    eye = torch.eye(size).tolist()
    rows = [[*row, -1.0] for row in eye] + [[*[-v for v in row], -1.0] for row in eye]
    found = linprog(
        [0.0] * size + [1.0],
        A_ub=rows,
        b_ub=[0.0] * (2 * size),
        A_eq=[[*w.tolist(), 0.0]],
        b_eq=[-offset],
        bounds=[(-float(v), 1 - float(v)) for v in x] + [(0, None)],
    )
    if found.success:
        assert abs(float((w * step).sum()) + offset) < 1e-4
        assert abs(float(step.abs().max()) - found.fun) < 1e-4
    else:
        # Out of reach: as far as the box allows.
        end = torch.where(-offset * w > 0, 1 - x, -x) * (w != 0)
        torch.testing.assert_close(step, end)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(1, 300), st.floats(0, 20), st.floats(0, 8), st.floats(0, 1)
)
def test_agrees_with_sorting_where_weights_and_rooms_differ_by_orders(
    seed: int, size: int, tail: float, room_tail: float, share: float
) -> None:
    """Take the pixels by their room: between two rooms the sum is linear."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(3, size, generator=generator, dtype=torch.float64)
    w, room = drawn[0] * (tail * drawn[1]).exp(), (-room_tail * drawn[2].abs()).exp() / 2
    reach = (w.abs() * room).sum()
    ordered, order = room.sort()
    weight = w.abs()[order]
    bridged = torch.stack([(weight * ordered.clamp(max=r)).sum() for r in ordered])
    k = min(int((bridged < share * reach).sum()), size - 1)
    taken = (weight[:k] * ordered[:k]).sum()
    r = ((share * reach - taken) / weight[k:].sum()).clamp(max=ordered[-1])
    zero = torch.zeros(1, size, dtype=torch.float64)
    step = step_to_hyperplane(zero, w[None], share * reach[None], -room[None], room[None])[0]
    # What rounding of the sum, whichever way it is taken, leaves open of the last piece.
    open_ = float(1e-14 * reach / weight[k:].sum())
    torch.testing.assert_close(step, -w.sign() * room.clamp(max=r), rtol=1e-12, atol=open_)


@pytest.mark.parametrize("falls", [2.0, 3.0, 8.0])
@pytest.mark.parametrize("rises", [2.0, 4.0, 16.0])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.999999])
def test_reaches_the_hyperplane_past_many_pieces(falls: float, rises: float, share: float) -> None:
    """A step of Newton's method passes few pieces where rooms fall and weights rise."""
    power = torch.arange(40.0, dtype=torch.float64)[None]
    room, w = falls**-power, rises**power
    wanted = share * (w * room).sum(dim=1)
    step = step_to_hyperplane(torch.zeros_like(w), w, -wanted, -room, room)
    assert float((w * step).sum() / wanted) == pytest.approx(1, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 7), st.floats(-3, 3))
def test_in_l1_agrees_with_linear_programming(seed: int, size: int, offset: float) -> None:
    """Minimize sum(up + down) over up, down >= 0 with <w, up - down> = -offset."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(size, generator=generator, dtype=torch.float64)
    w = torch.randn(size, generator=generator, dtype=torch.float64)
    x[0], w[-1] = 0, 0
    ends = torch.zeros_like(x)[None], torch.ones_like(x)[None]
    step = step_to_hyperplane(x[None], w[None], torch.tensor([offset]), *ends, norm="L1")[0]
    assert ((x + step) >= -1e-12).all()
    assert ((x + step) <= 1 + 1e-12).all()
    found = linprog(
        [1.0] * (2 * size),
        A_eq=[[*w.tolist(), *(-w).tolist()]],
        b_eq=[-offset],
        bounds=[(0, 1 - float(v)) for v in x] + [(0, float(v)) for v in x],
    )
    if found.success:
        assert abs(float((w * step).sum()) + offset) < 1e-6
        assert abs(float(step.abs().sum()) - found.fun) < 1e-6
    else:
        end = torch.where(-offset * w > 0, 1 - x, -x) * (w != 0)
        torch.testing.assert_close(step, end)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 200), st.floats(0, 6), st.floats(0.01, 0.99))
def test_in_l2_agrees_with_bisection(seed: int, size: int, tail: float, share: float) -> None:
    """The step is clip(-r w): one multiplier r, whatever the rooms."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(3, size, generator=generator, dtype=torch.float64)
    w, room = drawn[0] * (tail * drawn[1]).exp(), drawn[2].abs() + 1e-3
    wanted = share * (w.abs() * room).sum()
    zero = torch.zeros(1, size, dtype=torch.float64)
    step = step_to_hyperplane(zero, w[None], wanted[None], -room[None], room[None], norm="L2")[0]

    def excess(log_r: float) -> float:
        return float((w.abs() * (w.abs() * math.exp(log_r)).clamp(max=room)).sum() - wanted)

    r = math.exp(brentq(excess, -100, 100, xtol=1e-13))
    torch.testing.assert_close(step, (-w * r).clamp(-room, room), rtol=1e-8, atol=0)
