"""Figures and axes that all pictures share."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from advvid.figures import words

TITLE_SIZE, SMALL = 10, 8
"""Sizes of text in points."""


def new_figure(width: float, height: float) -> Figure:
    """Make a figure of a size in inches that belongs to no window and no state of matplotlib."""
    return Figure(figsize=(width, height), layout="constrained")


def grid(axes: Axes) -> None:
    """Draw faint lines behind the data."""
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)


def epoch_axis(axes: Axes) -> None:
    """Let x count epochs."""
    axes.set_xlabel(words.EPOCH)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def percent_axis(axes: Axes, *, label: bool = True) -> None:
    """Let y be accuracy in percent, with room for markers at 0 and 100."""
    axes.set_ylim(-2, 102)
    if label:
        axes.set_ylabel(words.ACCURACY)


def marker_interval(count: int) -> int:
    """Choose every how many epochs a marker is drawn, so that they do not overlap."""
    return max(1, count // 25)
