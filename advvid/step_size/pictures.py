"""What a sweep measured, as pictures."""

from typing import TYPE_CHECKING

import numpy as np

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.figures import step_size as figures
from advvid.step_size.surface import StepSizeSurface

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss_surface(surface: StepSizeSurface, budget: int, *, subject: str = "") -> "Figure":
    """Draw mean loss over step size and number of steps in 3D, for the budget of this index."""
    return figures.loss_surface(_grid(surface, budget), subject=subject)


def loss_heat_map(surface: StepSizeSurface, budget: int, *, subject: str = "") -> "Figure":
    """Draw mean loss over step size and number of steps, for the budget of this index."""
    return figures.loss_heat_map(_grid(surface, budget), subject=subject)


def law_figure(surface: StepSizeSurface, law: StepSizeLaw | None, *, subject: str = "") -> "Figure":
    """Draw the best step sizes, the line fitted to them and that of the paper."""
    budgets = np.linspace(0, 255 * 1.05 * surface.eps.max(), 50)

    def line(label: str, law: StepSizeLaw) -> figures.LawLine:
        steps = [255 * law(eps / 255) for eps in budgets]
        return figures.LawLine(label, budgets.tolist(), steps)

    r_squared = "" if law is None or law.r_squared is None else f", R² = {law.r_squared:.3f}"
    best = []
    for row in surface.best():
        low, high = row.interval or (row.step_size, row.step_size)
        eps, step, low, high = (255 * number for number in (row.eps, row.step_size, low, high))
        best.append(
            figures.BestStepSize(
                eps, step, low, high, open_below=row.open_below, open_above=row.open_above
            )
        )
    return figures.step_size_law(
        best,
        paper=line("paper: 0.2 (eps + 1)", PAPER_LAW),
        fit=None if law is None else line(f"fit: {law}{r_squared}", law),
        title=f"{surface.sample}, {surface.max_steps} steps",
        subject=subject,
    )


def _grid(surface: StepSizeSurface, budget: int) -> figures.LossGrid:
    return figures.LossGrid(
        float(surface.eps[budget]),
        surface.step_sizes[budget],
        surface.loss[budget, :, 1:],
        surface.clips,
    )
