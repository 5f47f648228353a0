"""What adaptive training drew from, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def distribution_figure(reports: Sequence[Mapping[str, Any]]) -> "Figure":
    """Draw the probability of every choice in every epoch, stacked to 1.

    Args:
        reports: of `AdaptiveStep`, one for each epoch.

    Returns:
        A figure that belongs to no window and to no global state of matplotlib.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    names: list[str] = reports[-1]["choices"]
    shares = np.array([report["probabilities"] for report in reports])
    epochs = np.arange(1, len(reports) + 1)
    bottom = np.zeros(len(reports))
    colors = colormaps["cividis"](np.linspace(0.05, 0.95, len(names)))
    for number, name in enumerate(names):
        axes.bar(
            epochs,
            shares[:, number],
            bottom=bottom,
            width=0.9,
            color=colors[number],
            edgecolor="white",
            linewidth=0.5,
            label=name,
        )
        bottom += shares[:, number]
    axes.set_ylim(0, 1)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("probability of being drawn")
    axes.set_title("adaptive training, budgets in 1/255", fontsize=10)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center", fontsize=8)
    return figure
