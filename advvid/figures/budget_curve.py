"""The budgets that a model was trained with."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from advvid.figures import palette, words
from advvid.figures.axes import epoch_axis, grid, marker_interval, new_figure
from advvid.methods.arguments import checked


@checked
def budget_curve(budgets: Sequence[float]) -> Figure:
    """Draw the budget of every epoch.

    Args:
        budgets: one for each epoch so far, in 1/255.
    """
    figure = new_figure(5, 3.2)
    axes = figure.add_subplot()
    epochs = range(1, len(budgets) + 1)
    axes.step(
        epochs, budgets, where="mid", markevery=marker_interval(len(budgets)), **palette.TRAINING
    )
    epoch_axis(axes)
    axes.set_ylabel(f"{words.TRAINING} {words.BUDGET}")
    axes.set_ylim(bottom=-0.3)
    grid(axes)
    return figure
