"""Figures of a step-size sweep."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d import Axes3D

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.runs.files import write_atomically
from advvid.step_size.surface import StepSizeSurface

# Blue and vermilion of Okabe and Ito, told apart with any color vision and in gray.
_BLUE, _VERMILION, _GRAY = "#0072b2", "#d55e00", "#555555"


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG.

    Raises:
        InputError: when the file cannot be written.
    """
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=150))


def loss_surface(surface: StepSizeSurface, budget: int) -> Figure:
    """Draw mean loss over (step size, number of steps) for one budget, in 3D.

    As in Kinfu and Vidal 2022, Fig. 1; the step size is on a logarithmic axis.

    Args:
        surface: what a sweep measured.
        budget: index of the budget.
    """
    loss, ratios, steps = _mesh(surface, budget)
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.add_subplot(projection="3d")
    assert isinstance(axes, Axes3D)
    x, y = np.meshgrid(np.log10(ratios), steps, indexing="ij")
    axes.plot_surface(x, y, loss, cmap="viridis", rstride=1, cstride=1, linewidth=0.2)
    best = surface.best()[budget]
    a = int(np.argmin(np.abs(surface.step_sizes[budget] - best.step_size)))
    axes.plot(x[a], y[a], loss[a], color=_VERMILION, linewidth=2.5, zorder=10, label="best step")
    ticks = _tick_ratios(ratios)
    axes.set_xticks(np.log10(ratios[ticks]), [f"{ratios[i]:.3g}" for i in ticks])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("step size / budget")
    axes.set_ylabel("steps")
    axes.set_zlabel("mean loss")
    axes.view_init(elev=28, azim=-125)
    axes.set_box_aspect(None, zoom=0.88)
    axes.set_title(_title(surface, budget))
    axes.legend(loc="upper left")
    return figure


def loss_heat_map(surface: StepSizeSurface, budget: int) -> Figure:
    """Draw mean loss over (step size, number of steps) for one budget, as a heat map.

    Args:
        surface: what a sweep measured.
        budget: index of the budget.
    """
    loss, ratios, steps = _mesh(surface, budget)
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(loss.T, origin="lower", aspect="auto", cmap="viridis")
    best = loss.argmax(axis=0)
    axes.plot(best, range(len(steps)), "o", color="white", markeredgecolor="black", markersize=6)
    axes.set_xticks(
        range(len(ratios)),
        [
            f"{s * 255:.3g}\n{r:.3g}"
            for s, r in zip(surface.step_sizes[budget], ratios, strict=True)
        ],
        fontsize=8,
    )
    every = max(1, len(steps) // 10)
    axes.set_yticks(range(0, len(steps), every), [str(s) for s in steps[::every]])
    axes.set_xlabel("step size in 1/255 (above) and in budgets (below)")
    axes.set_ylabel("steps")
    axes.set_title(f"{_title(surface, budget)}; dots: best step size for each number of steps")
    axes.title.set_fontsize(9)
    figure.colorbar(image, ax=axes, label="mean loss")
    return figure


def law_figure(surface: StepSizeSurface, law: StepSizeLaw | None) -> Figure:
    """Draw the best step size against the budget, the fitted line and the paper's.

    As in Kinfu and Vidal 2022, Fig. 2. Bars are 95% intervals from resampling the clips.

    Args:
        surface: what a sweep measured.
        law: the line fitted to it, or None where there is one budget only.
    """
    best = surface.best()
    eps = np.array([row.eps for row in best]) * 255
    step = np.array([row.step_size for row in best]) * 255
    bounds = np.array([row.interval for row in best]).T * 255
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot()
    line = np.linspace(0, eps.max() * 1.05, 50)
    axes.plot(
        line,
        [PAPER_LAW(e / 255) * 255 for e in line],
        "--",
        color=_GRAY,
        label="paper: 0.2 (eps + 1)",
    )
    if law is not None:
        _draw_law(axes, law, line)
    axes.errorbar(
        eps,
        step,
        yerr=np.abs(bounds - step),
        fmt="o",
        color=_BLUE,
        capsize=3,
        label="best step size",
    )
    axes.set_xlim(0, eps.max() * 1.05)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("budget eps in 1/255")
    axes.set_ylabel("optimal step size in 1/255")
    axes.set_title(f"{surface.losses.shape[3]} clips, {surface.max_steps} steps")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _draw_law(axes: Axes, law: StepSizeLaw, line: np.ndarray) -> None:
    label = f"fit: {law}"
    if law.r_squared is not None:
        label += f", R² = {law.r_squared:.3f}"
    axes.plot(line, [law(e / 255) * 255 for e in line], color=_VERMILION, label=label)


def _mesh(surface: StepSizeSurface, budget: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean loss (A, M) after 1 to M steps, step sizes as multiples of the budget, step numbers."""
    ratios = surface.step_sizes[budget] / surface.eps[budget]
    return surface.loss[budget, :, 1:], ratios, np.arange(1, surface.max_steps + 1)


def _tick_ratios(ratios: np.ndarray) -> list[int]:
    """Indices of ticks that lie at least a fifth of a decade apart."""
    ticks = [0]
    for i, ratio in enumerate(ratios):
        if np.log10(ratio / ratios[ticks[-1]]) >= 0.2:
            ticks.append(i)
    return ticks


def _title(surface: StepSizeSurface, budget: int) -> str:
    return f"PGD, eps = {surface.eps[budget] * 255:.3g}/255, {surface.losses.shape[3]} clips"
