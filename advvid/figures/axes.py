"""Figures and axes that all pictures share."""

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from advvid.escaping import for_figure, visible
from advvid.figures import words
from advvid.figures.saving import Picture

TITLE_SIZE, SMALL = 10, 8
"""Sizes of text in points."""


def new_figure(width: float, height: float) -> Picture:
    """Make a figure of a size in inches that belongs to no window and no state of matplotlib."""
    return Picture(figsize=(width, height), layout="constrained")


def titled(axes: Axes, title: str, subject: str = "", *, share: float = 0.8) -> None:
    """Say above a plot what it shows and, in a second line, of which model and clips.

    Args:
        axes: of the plot.
        title: in our own words.
        subject: of anybody's; a long one is folded.
        share: of the width of the figure that there is room for.
    """
    width = axes.figure.bbox.width / axes.figure.dpi
    lines = [for_figure(title), *_folded(subject, share * width)]
    axes.set_title("\n".join(lines), fontsize=TITLE_SIZE)


def headed(figure: Figure, subject: str) -> None:
    """Say above all plots of a figure of which model and clips they are; nothing if that is ""."""
    if subject:
        width = figure.get_size_inches()[0]
        figure.suptitle("\n".join(_folded(subject, 0.9 * width)), fontsize=TITLE_SIZE)


def _folded(subject: str, width: float) -> list[str]:
    """Fold anybody's text into at most three lines of a width in inches."""
    # A letter is about half as wide as it is high, which is given in points, 72 an inch.
    room = int(width * 72 / (0.55 * TITLE_SIZE))
    folded = textwrap.wrap(visible(subject), room, max_lines=3, placeholder="...")
    return [for_figure(line) for line in folded]


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
