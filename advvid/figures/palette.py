"""The colors, line styles and markers of every picture.

Colors are those of Okabe and Ito, which differ for every kind of color vision. Line styles and
markers distinguish lines without color.
"""

from collections.abc import Mapping
from typing import Any

Look = Mapping[str, Any]
"""Keyword arguments of `Axes.plot`."""

BLUE, VERMILION = "#0072b2", "#d55e00"
BLACK, DARK_GRAY, GRAY, LIGHT_GRAY = "#000000", "#555555", "#999999", "#bbbbbb"

_COLORS = (BLUE, VERMILION, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00")
_STYLES = ("-", "--", "-.", ":")
_MARKERS = "osD^vPX*"

TRAINING: Look = {"color": BLUE, "marker": "o", "markersize": 4}
VALIDATION: Look = {"color": VERMILION, "marker": "s", "markersize": 4}
BENIGN: Look = {"color": BLACK, "marker": "o", "markersize": 5}
WORST_CASE: Look = {"color": "#c4c4c4", "linewidth": 9, "solid_capstyle": "round", "zorder": 1.6}
WORST_INTERVAL: Look = {"color": GRAY, "alpha": 0.18, "linewidth": 0, "zorder": 1.4}
PAPER: Look = {"color": DARK_GRAY, "linestyle": "--"}
CLEAN: Look = {"color": GRAY, "linewidth": 0.8}
CHANCE: Look = {"color": GRAY, "linewidth": 1, "linestyle": ":"}
OVERFITTED: Look = {"color": LIGHT_GRAY, "alpha": 0.5, "linewidth": 0, "zorder": 0}
KEPT_EPOCH: Look = {"color": DARK_GRAY, "linestyle": ":"}

LOSS_MAP = "viridis"
SHARE_MAP = "cividis"


def series(number: int) -> Look:
    """Give the look of one of many lines; the first 56 all differ."""
    return {
        "color": _COLORS[number % len(_COLORS)],
        "linestyle": _STYLES[(number // len(_COLORS)) % len(_STYLES)],
        "marker": _MARKERS[number % len(_MARKERS)],
    }
