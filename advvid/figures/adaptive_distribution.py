"""What adaptive training drew from, epoch by epoch."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from advvid.figures import palette, words
from advvid.figures.axes import SMALL, TITLE_SIZE, epoch_axis, new_figure
from advvid.methods.arguments import checked


@checked
def adaptive_distribution(
    choices: Sequence[str], probabilities: Sequence[Sequence[float]]
) -> Figure:
    """Draw the probability of every choice in every epoch, stacked to 1.

    Args:
        choices: names (N,), such as "eps 4", the first at the bottom.
        probabilities: (epochs, N), each row with the sum 1.
    """
    figure = new_figure(7, 3.6)
    axes = figure.add_subplot()
    shares = np.array(probabilities)
    bottoms = shares.cumsum(axis=1) - shares
    colors = colormaps[palette.SHARE_MAP](np.linspace(0.05, 0.95, len(choices)))
    for choice, share, bottom, color in zip(choices, shares.T, bottoms.T, colors, strict=True):
        axes.bar(
            np.arange(1, len(shares) + 1),
            share,
            bottom=bottom,
            width=0.9,
            color=color,
            edgecolor="white",
            linewidth=0.5,
            label=words.shortened(choice),
        )
    axes.set_ylim(0, 1)
    epoch_axis(axes)
    axes.set_ylabel("probability of being drawn")
    axes.set_title("adaptive training, budgets in 1/255", fontsize=TITLE_SIZE)
    figure.legend(reverse=True, loc="outside right center", fontsize=SMALL)
    return figure
