"""The loss of PGD against its step size, and the best step size against the budget."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d import Axes3D

from advvid.figures import palette, words
from advvid.figures.axes import SMALL, grid, new_figure, titled
from advvid.methods.arguments import checked

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LossGrid:
    """Mean loss of PGD at one budget.

    Args:
        eps: the budget, a fraction of the pixel range.
        step_sizes: (A,), fractions of the pixel range, ascending.
        loss: (A, M), after 1 to M steps.
        clips: that the loss is the mean of.
    """

    eps: float
    step_sizes: Numbers
    loss: Numbers
    clips: int

    @property
    def title(self) -> str:
        """What was measured."""
        return f"PGD, eps = {self.eps * 255:.3g}/255, {self.clips} clips"

    @property
    def ratios(self) -> Numbers:
        """Step sizes (A,) as multiples of the budget."""
        return self.step_sizes / self.eps

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """Numbers of steps (M,)."""
        return np.arange(1, self.loss.shape[1] + 1)


@dataclass(frozen=True)
class BestStepSize:
    """The best step size of one budget and its 95% interval, all in 1/255.

    Args:
        eps: the budget.
        step_size: the best.
        low: lower end of the interval.
        high: upper end of the interval.
        open_below: the interval reaches the smallest step measured, and may go on below.
        open_above: likewise, above the largest.
    """

    eps: float
    step_size: float
    low: float
    high: float
    open_below: bool = False
    open_above: bool = False


@dataclass(frozen=True)
class LawLine:
    """A law between budget and step size, both (N,) in 1/255."""

    label: str
    eps: Sequence[float]
    step_sizes: Sequence[float]


@checked
def loss_surface(grid: LossGrid, *, subject: str = "") -> Figure:
    """Draw mean loss over (step size, number of steps) for one budget, in 3D.

    As in Kinfu and Vidal 2022, Fig. 1; the step size is on a logarithmic axis.

    Args:
        grid: see `LossGrid`.
        subject: model and data, for the title.
    """
    loss, ratios = grid.loss, grid.ratios
    figure = new_figure(6.4, 5.2)
    axes = figure.add_subplot(projection="3d")
    assert isinstance(axes, Axes3D)
    x, y = np.meshgrid(np.log10(ratios), grid.steps, indexing="ij")
    axes.plot_surface(x, y, loss, cmap=palette.LOSS_MAP, rstride=1, cstride=1, linewidth=0.2)
    a = int(loss[:, -1].argmax())
    axes.plot(
        x[a],
        y[a],
        loss[a],
        color=palette.VERMILION,
        linewidth=2.5,
        zorder=10,
        label="best step measured",
    )
    ticks = _round_ticks(ratios)
    axes.set_xticks(np.log10(ticks), [f"{tick:.3g}" for tick in ticks])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("step size / budget", labelpad=8)
    axes.set_ylabel("steps")
    axes.set_zlabel(words.MEAN_LOSS)
    axes.view_init(elev=28, azim=-125)
    axes.set_box_aspect(None, zoom=0.88)
    titled(axes, grid.title, subject)
    axes.legend(loc="upper left")
    return figure


@checked
def loss_heat_map(grid: LossGrid, *, subject: str = "") -> Figure:
    """Draw mean loss over (step size, number of steps) for one budget, as a heat map.

    Args:
        grid: see `LossGrid`.
        subject: model and data, for the title.
    """
    loss, steps = grid.loss, grid.steps
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    image = axes.imshow(loss.T, origin="lower", aspect="auto", cmap=palette.LOSS_MAP)
    best = loss.argmax(axis=0)
    axes.plot(
        best, range(len(steps)), "o", color="white", markeredgecolor=palette.BLACK, markersize=6
    )
    sizes = [
        f"{size * 255:.3g}\n{ratio:.2g}"
        for size, ratio in zip(grid.step_sizes, grid.ratios, strict=True)
    ]
    axes.set_xticks(range(len(sizes)), sizes, fontsize=SMALL)
    every = max(1, len(steps) // 10)
    axes.set_yticks(range(0, len(steps), every), [str(s) for s in steps[::every]])
    axes.set_xlabel("step size in 1/255 (above) and in budgets (below)")
    axes.set_ylabel("steps")
    titled(axes, f"{grid.title}; dots: best step measured", subject)
    figure.colorbar(image, ax=axes, label=words.MEAN_LOSS)
    return figure


@checked
def step_size_law(
    best: Sequence[BestStepSize],
    *,
    paper: LawLine,
    fit: LawLine | None,
    title: str,
    subject: str = "",
) -> Figure:
    """Draw the best step size against the budget, the fitted line and the paper's.

    As in Kinfu and Vidal 2022, Fig. 2.

    Args:
        best: of each budget, with 95% intervals from resampling the clips.
        paper: the law of the paper.
        fit: the law fitted to `best`, or None where there is one budget only.
        title: what was measured.
        subject: model and data, for the title.
    """
    figure = new_figure(6.4, 4.4)
    axes = figure.add_subplot()
    axes.plot(paper.eps, paper.step_sizes, label=paper.label, **palette.PAPER)
    if fit is not None:
        axes.plot(fit.eps, fit.step_sizes, color=palette.VERMILION, label=fit.label)
    axes.errorbar(
        [row.eps for row in best],
        [row.step_size for row in best],
        yerr=np.abs([(row.low - row.step_size, row.high - row.step_size) for row in best]).T,
        fmt="o",
        color=palette.BLUE,
        capsize=3,
        label="best step size",
    )
    for marker, side, ends in (
        ("v", "below", [(row.eps, row.low) for row in best if row.open_below]),
        ("^", "above", [(row.eps, row.high) for row in best if row.open_above]),
    ):
        if ends:
            axes.plot(
                *zip(*ends, strict=True),
                marker,
                color=palette.BLUE,
                markersize=9,
                markerfacecolor="none",
                label=f"edge of what was measured: may go on {side}",
            )
    axes.set_xlim(0, 1.05 * max(row.eps for row in best))
    axes.set_ylim(bottom=0)
    axes.set_xlabel(words.BUDGET)
    axes.set_ylabel("optimal step size in 1/255")
    titled(axes, title, subject)
    grid(axes)
    axes.legend()
    return figure


def _round_ticks(ratios: Numbers) -> list[float]:
    """Choose ticks in the range of the ratios: 1, 2 and 5 of each decade, of many decades 1."""
    exponents = np.arange(np.floor(np.log10(ratios[0])), np.ceil(np.log10(ratios[-1])) + 1)
    digits = (1, 2, 5) if len(exponents) < 5 else (1,)
    ticks = [digit * 10.0**exponent for exponent in exponents for digit in digits]
    # An edge itself may be off by rounding.
    inside = [one for one in ticks if 0.999 * ratios[0] <= one <= 1.001 * ratios[-1]]
    return inside or [float(ratios[0])]
