from typing import Any

import numpy as np
from mpl_toolkits.mplot3d.art3d import Line3D

from advvid.figures.step_size import (
    BestStepSize,
    LawLine,
    LossGrid,
    loss_heat_map,
    loss_surface,
    step_size_law,
)

# The second of three step sizes is the best after both steps, the third after one.
GRID = LossGrid(
    eps=4 / 255,
    step_sizes=np.array([1, 2, 4]) / 255,
    loss=np.array([[0.1, 0.2], [0.3, 0.9], [0.5, 0.4]]),
    clips=7,
)


def test_surface_marks_the_step_size_that_is_best_after_all_steps() -> None:
    axes = loss_surface(GRID).axes[0]
    (line,) = (line for line in axes.get_lines() if isinstance(line, Line3D))
    x, y, z = line.get_data_3d()
    np.testing.assert_allclose(x, np.log10(0.5))
    np.testing.assert_array_equal(y, [1, 2])
    np.testing.assert_array_equal(z, [0.3, 0.9])
    assert axes.get_title() == "PGD, eps = 4/255, 7 clips"


def test_heat_map_marks_the_best_step_size_of_each_number_of_steps() -> None:
    axes = loss_heat_map(GRID).axes[0]
    np.testing.assert_array_equal(axes.get_lines()[0].get_xdata(), [2, 1])
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks == ["1\n0.25", "2\n0.5", "4\n1"]


def test_law_has_both_lines_and_an_interval_for_each_budget() -> None:
    best = [BestStepSize(4, 1, 0.8, 1.4), BestStepSize(8, 2, 1.5, 2)]
    line = LawLine("paper", [0, 8], [0.2, 1.8])
    axes = step_size_law(best, paper=line, fit=LawLine("fit", [0, 8], [0, 2]), title="t").axes[0]
    assert axes.get_legend_handles_labels()[1] == ["paper", "fit", "best step size"]
    error_bars: Any = axes.containers[0]
    segments = error_bars.lines[2][0].get_segments()
    np.testing.assert_allclose(segments[0], [[4, 0.8], [4, 1.4]])
    np.testing.assert_allclose(segments[1], [[8.0, 1.5], [8.0, 2.0]])
    axes = step_size_law(best[:1], paper=line, fit=None, title="t").axes[0]
    assert axes.get_legend_handles_labels()[1] == ["paper", "best step size"]


def test_an_interval_that_reaches_the_edge_is_marked_as_open() -> None:
    best = [BestStepSize(4, 1, 0.8, 1.4, open_above=True), BestStepSize(8, 2, 1.5, 2)]
    axes = step_size_law(best, paper=LawLine("p", [0, 8], [0, 2]), fit=None, title="t").axes[0]
    (mark,) = (line for line in axes.get_lines() if line.get_marker() == "^")
    np.testing.assert_allclose(np.asarray(mark.get_xydata(), dtype=float), [[4, 1.4]])
    assert "may go on above" in str(mark.get_label())


def test_ticks_of_the_surface_are_round_and_do_not_touch() -> None:
    steps = 8 * np.array([0.05, 0.1, 0.126, 0.159, 0.2, 0.229, 0.262, 0.3, 0.5, 0.8, 1, 2, 3]) / 255
    axes = loss_surface(LossGrid(8 / 255, steps, np.outer(np.arange(13.0), [1, 2]), 7)).axes[0]
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks == ["0.05", "0.1", "0.2", "0.5", "1", "2"]
