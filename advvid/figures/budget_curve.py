"""The budgets that a model was trained with."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def budget_curve(budgets: Sequence[float]) -> "Figure":
    """Draw the budget of every epoch, in 1/255.

    Args:
        budgets: one for each epoch so far.

    Returns:
        A figure that belongs to no window and to no global state of matplotlib.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    epochs = range(1, len(budgets) + 1)
    axes.step(epochs, budgets, where="mid", color="#0072B2")
    axes.plot(epochs, budgets, "o", color="#0072B2", markersize=4)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("training budget eps in 1/255")
    axes.set_ylim(bottom=-0.3)
    axes.grid(alpha=0.3)
    return figure
