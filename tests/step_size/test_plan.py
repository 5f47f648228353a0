import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advvid.errors import InputError
from advvid.step_size.plan import SweepPlan, plan_sweep

Signs = npt.NDArray[np.float64]


def follow(plan: SweepPlan, e: int, a: int, signs: Signs) -> Signs:
    """Walk the chain of a grid point through the tree with given gradient signs."""
    chain = []
    for m in range(len(plan.levels), 0, -1):
        level, index = plan.levels[m - 1], int(plan.node[m, e, a])
        chain.append((level.eps[index], level.step[index]))
        assert level.parent[index] == plan.node[m - 1, e, a]
    delta: npt.NDArray[np.float64] = np.zeros(signs.shape[1])
    for (eps, step), sign in zip(reversed(chain), signs, strict=True):
        delta = np.clip(delta + step * sign, -eps, eps)
    return delta


@settings(max_examples=60, deadline=None)
@given(
    budgets=st.lists(st.integers(1, 16), min_size=1, max_size=4, unique=True),
    ratios=st.lists(st.sampled_from([0.05, 0.1, 0.25, 0.5, 1, 1.7, 2, 3]), min_size=1, unique=True),
    steps=st.integers(1, 8),
    absolute=st.booleans(),
    seed=st.integers(0, 100),
)
def test_every_chain_is_the_run_of_its_own_budget_and_step(
    budgets: list[int], ratios: list[float], steps: int, absolute: bool, seed: int
) -> None:
    eps = np.sort(np.array(budgets, dtype=float)) / 255
    grid = (np.full_like(eps, 4 / 255) if absolute else eps)[:, None] * np.sort(ratios)
    plan = plan_sweep(eps, grid, steps)
    signs = np.random.default_rng(seed).integers(-1, 2, (steps, 50)).astype(float)
    for e in range(len(eps)):
        for a in range(grid.shape[1]):
            delta = np.zeros(50)
            for sign in signs:
                delta = np.clip(delta + grid[e, a] * sign, -eps[e], eps[e])
            np.testing.assert_allclose(follow(plan, e, a, signs), delta, atol=1e-9)


def test_free_and_saturated_steps_are_shared() -> None:
    eps = np.array([4.0, 8.0]) / 255
    plan = plan_sweep(eps, eps[:, None] * np.array([0.5, 1.0, 2.0, 3.0]), 2)
    # A step of 4/255 is free in both budgets; 2x and 3x saturate. Step 1 leaves 2, 4, 8 (free) and
    # one corner for each budget.
    assert len(plan.levels[0]) == len(np.unique(plan.node[1])) == 5
    assert plan.node[1, 0, 1] == plan.node[1, 1, 0]
    assert plan.node[2, 0, 2] == plan.node[2, 0, 3]
    assert plan.node[2, 0, 1] != plan.node[2, 1, 0]
    assert plan.gradients == 1 + len(plan.levels[0])
    assert plan.forwards == len(plan.levels[1])


def test_random_starts_share_saturated_steps_only() -> None:
    eps = np.array([4.0, 8.0]) / 255
    plan = plan_sweep(eps, eps[:, None] * np.array([0.5, 1.0, 2.0, 3.0]), 3, random_start=True)
    assert len(plan.roots) == 2
    assert plan.node[1, 0, 2] == plan.node[1, 0, 3]
    assert len({int(n) for n in plan.node[3].ravel()}) == 6


def test_shapes_must_agree() -> None:
    with pytest.raises(InputError, match="budgets"):
        plan_sweep(np.array([0.1, 0.2]), np.ones((3, 4)), 2)
