"""Which PGD trajectories of a sweep coincide, so that each is computed once.

With the same start, the iterate after step i depends on (eps, alpha) only through what the step
does to each pixel. Let r be the largest |delta| the iterate can have. Then a step of alpha

* is *free* when r + alpha <= eps: nothing is clipped, so the budget does not matter;
* is *saturated* when alpha >= r + eps: every pixel with a gradient lands on a corner of the box, so
  the step size does not matter (from zero that is alpha >= eps, later alpha >= 2 eps);
* is *clipped* otherwise, and depends on both.

Trajectories whose steps have had the same kinds and the same relevant numbers are identical. They
form a tree whose levels are the step numbers; its root is the clip itself.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from advvid.errors import InputError

# Steps such as 10 * (0.1 * eps) reach eps up to rounding; being off by one part in 10^9 of the
# budget is far below the resolution of float32 pixels.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Level:
    """All different iterates after one step.

    Args:
        parent: index of the iterate in the level before from which each one comes.
        eps: budget to project with; of a free step any of those that share it.
        step: step size to arrive with.
    """

    parent: list[int]
    eps: list[float]
    step: list[float]

    def __len__(self) -> int:
        return len(self.parent)


@dataclass(frozen=True)
class SweepPlan:
    """The tree of a sweep.

    Args:
        roots: the budget of each starting point; a single one when all start at the clip.
        levels: one for each step, 1 to M.
        node: int (M + 1, E, A): the iterate in level m that budget e and step size a arrive at.
    """

    roots: list[float]
    levels: list[Level]
    node: npt.NDArray[np.int64]

    @property
    def gradients(self) -> int:
        """Gradient passes a clip, over the whole sweep."""
        return len(self.roots) + sum(len(level) for level in self.levels[:-1])

    @property
    def forwards(self) -> int:
        """Forward passes a clip without gradient: the iterates after the last step."""
        return len(self.levels[-1])

    @property
    def width(self) -> int:
        """The most iterates a clip has in any level."""
        return max(len(self.roots), *(len(level) for level in self.levels))


def plan_sweep(
    eps: npt.NDArray[np.float64],
    step_sizes: npt.NDArray[np.float64],
    steps: int,
    *,
    random_start: bool = False,
) -> SweepPlan:
    """Merge the trajectories of a grid into a tree.

    Args:
        eps: budgets (E,).
        step_sizes: (E, A), the step sizes tried for each budget.
        steps: number of steps, M >= 1.
        random_start: start anywhere in the box of each budget instead of at the clip; then only
            saturated steps are shared.

    Returns:
        The tree. A chain of every (e, a) through it is exactly the PGD run of that budget and step.

    Raises:
        InputError: when the shapes do not agree.
    """
    if step_sizes.ndim != 2 or len(step_sizes) != len(eps):
        raise InputError(
            f"step sizes must be (budgets, steps) = ({len(eps)}, A); got {step_sizes.shape}"
        )
    budgets, choices = step_sizes.shape
    node = np.zeros((steps + 1, budgets, choices), dtype=np.int64)
    reach = np.zeros((budgets, choices))
    roots = [float(eps.max())]
    if random_start:
        roots = [float(e) for e in eps]
        node[0] = np.arange(budgets)[:, None]
        reach[:] = eps[:, None]

    levels: list[Level] = []
    for m in range(1, steps + 1):
        known: dict[tuple[int, str, float, float], int] = {}
        level = Level([], [], [])
        for e in range(budgets):
            for a in range(choices):
                parent = int(node[m - 1, e, a])
                budget, step = float(eps[e]), float(step_sizes[e, a])
                key = (parent, *_kind(reach[e, a], budget, step))
                if key not in known:
                    known[key] = len(level)
                    level.parent.append(parent)
                    level.eps.append(budget)
                    level.step.append(step)
                node[m, e, a] = known[key]
                reach[e, a] = min(budget, reach[e, a] + step)
        levels.append(level)
    return SweepPlan(roots, levels, node)


def _kind(reach: float, eps: float, step: float) -> tuple[str, float, float]:
    """Name a step by its kind and by the numbers its outcome depends on, rounded."""
    slack = _TOLERANCE * eps
    if reach + step <= eps + slack:
        return ("free", 0.0, _rounded(step))
    if step >= reach + eps - slack:
        return ("saturated", _rounded(eps), 0.0)
    return ("clipped", _rounded(eps), _rounded(step))


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")
