from pathlib import Path

import numpy as np
from matplotlib.patches import Rectangle
from PIL import Image

from advvid.figures.accuracy import Bar, Curve, accuracy_curves, group_bars
from advvid.figures.saving import save_figure


def test_lines_carry_the_data_in_percent(tmp_path: Path) -> None:
    curves = [
        Curve(name, [0, 4, 8], [0.9, 0.5, level], [0.8, 0.4, 0.1], [1.0, 0.6, 0.3])
        for name, level in (("pgd", 0.2), ("square", 0.3), ("worst case", 0.1))
    ]
    figure = accuracy_curves(curves, 0.9, chance=0.1)
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_allclose(np.asarray(lines["pgd"].get_xdata(), dtype=float), [0, 4, 8])
    np.testing.assert_allclose(np.asarray(lines["square"].get_ydata(), dtype=float), [90, 50, 30])
    assert lines["worst case"].get_color() == "#000000"
    assert {"no attack", "chance"} <= set(lines)
    assert axes.get_xlabel() == "budget eps in 1/255"
    # Equal bands are shaded once.
    assert len(axes.collections) == 1
    save_figure(figure, tmp_path / "accuracy.png")
    assert min(Image.open(tmp_path / "accuracy.png").size) > 400


def test_many_attacks_differ_in_color_style_or_marker() -> None:
    curves = [Curve(f"a{i}", [0, 0.1], [1, i / 20], [0, 0], [1, 1]) for i in range(15)]
    lines = accuracy_curves(curves, 1.0).axes[0].get_lines()[1:]
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines}
    assert len(looks) == 15


def test_bars_have_errors_and_dots(tmp_path: Path) -> None:
    bars = [Bar("no attack", 1.0, 0.8, 1.0), Bar("masked PGD", 0.4, 0.3, 0.6, [0.2, 0.6])]
    figure = group_bars(bars)
    (axes,) = figure.axes
    assert [
        float(patch.get_bbox().width) for patch in axes.patches if isinstance(patch, Rectangle)
    ] == [100, 40]
    dots = [line for line in axes.get_lines() if line.get_marker() == "o"]
    np.testing.assert_allclose(np.asarray(dots[0].get_xdata(), dtype=float), [20, 60])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["no attack", "masked PGD"]
    save_figure(figure, tmp_path / "bars.png")
