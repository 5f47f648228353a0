"""Accuracy that was measured beside what a paper published."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from advvid.figures import palette, words
from advvid.figures.axes import SMALL, grid, new_figure, percent_axis, titled
from advvid.methods.arguments import checked


@dataclass(frozen=True)
class ComparedModel:
    """One model of a paper.

    Args:
        name: as the paper writes it.
        measured: accuracy in % at each budget, here.
        published: the same in the paper.
        look: number of its color and marker, the same in all figures; None is the benign model.
    """

    name: str
    measured: Sequence[float]
    published: Sequence[float]
    look: int | None = None


@checked
def paper_comparison(
    models: Sequence[ComparedModel],
    budgets: Sequence[float],
    *,
    paper: str,
    attack: str,
    subject: str = "",
) -> Figure:
    """Draw accuracy against the budget: measured on the left, published on the right.

    Args:
        models: in the order of the legend.
        budgets: in 1/255.
        paper: its authors, year and data set.
        attack: that both were measured under.
        subject: what was measured here, such as the number of clips.
    """
    figure = new_figure(10, 4)
    ours, theirs = figure.subplots(1, 2, sharey=True)
    for model in models:
        look = palette.BENIGN
        if model.look is not None:
            look = {**palette.series(model.look), "markersize": 5}
        ours.plot(budgets, model.measured, label=words.shortened(model.name), **look)
        theirs.plot(budgets, model.published, **look)
    for axes, title, of in ((ours, "measured here", subject), (theirs, paper, "")):
        titled(axes, title, of, share=0.35)
        axes.set_xlabel(f"{words.BUDGET} ({attack})")
        axes.set_xticks(budgets)
        grid(axes)
        percent_axis(axes, label=axes is ours)
    figure.legend(loc="outside right center", fontsize=SMALL)
    return figure
