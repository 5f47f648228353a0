import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

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
