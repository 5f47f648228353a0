import re
import warnings
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import cbook
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from advvid.errors import InputError
from advvid.figures import budget_curve, learning_curve, words
from advvid.figures.accuracy import Bar, Curve, accuracy_curves, group_bars
from advvid.figures.animation import comparison_picture
from advvid.figures.saving import Picture, save_figure
from advvid.figures.step_size import loss_surface

HOSTILE = ("x$\\frac$:k=1", "$x$", "x\\$$", "x\n\x1b[2J\udcff", "x" * 500, "x_^{}%#&~<>")


def _lines(figure: Figure) -> dict[str, Any]:
    """The line of each entry of the legend."""
    (axes,) = figure.axes
    found: dict[str, Any] = {}
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        found[label] = handle.lines[0] if isinstance(handle, ErrorbarContainer) else handle
    return found


def _data(line: Any) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)


def test_lines_carry_the_data_in_percent(tmp_path: Path) -> None:
    curves = [
        Curve(name, [0, 4, 8], [0.9, 0.5, level], [0.8, 0.4, 0.1], [1.0, 0.6, 0.3])
        for name, level in (("pgd", 0.2), ("square", 0.3), ("worst case", 0.1))
    ]
    figure = accuracy_curves(curves, 0.9, chance=0.1, subject="r3d on films, n = 9 clips")
    lines = _lines(figure)
    np.testing.assert_allclose(_data(lines["square"])[1], [90, 50, 30])
    np.testing.assert_allclose(_data(lines["worst case"])[0], [0, 4, 8])
    assert {"no attack", "chance"} <= set(lines)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "budget eps in 1/255 (side by side at each mark)"
    # A point beside 8 is read as one at 8, since nothing else is marked.
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "4", "8"]
    assert axes.get_title().startswith("accuracy with 95% intervals")
    assert "r3d on films, n = 9 clips" in axes.get_title()
    bars: dict[str, Any] = {str(bar.get_label()): bar for bar in axes.containers}
    (segments,) = (bar.get_segments() for bar in bars["pgd"].lines[2])
    np.testing.assert_allclose(
        [segment[:, 1] for segment in segments], [[80, 100], [40, 60], [10, 30]]
    )
    save_figure(figure, tmp_path / "accuracy.png")
    assert min(Image.open(tmp_path / "accuracy.png").size) > 400


def test_equal_attacks_are_all_seen_beside_each_other_and_above_the_worst_case() -> None:
    names = ("pgd", "apgd-ce", "fab", "worst case")
    curves = [Curve(name, [0, 4, 8], [1, 0.5, 0], [1, 0.5, 0], [1, 0.5, 0]) for name in names]
    lines = _lines(accuracy_curves(curves, 1.0))
    worst = lines["worst case"]
    places = []
    for name in names[:3]:
        strengths, _ = _data(lines[name])
        assert strengths[0] == 0
        np.testing.assert_allclose(strengths[1:], [4, 8], atol=1)
        places.append(strengths[1])
        assert lines[name].get_zorder() > worst.get_zorder()
        assert lines[name].get_color() != worst.get_color()
        # The worst case is seen on both sides of a line above it.
        assert worst.get_linewidth() > 4 * lines[name].get_linewidth()
    # A marker is about 0.15 wide in these units.
    assert np.diff(sorted(places)).min() > 0.15


def test_one_clip_has_no_interval(tmp_path: Path) -> None:
    nan = float("nan")
    curves = [Curve(name, [0, 4], [1, 0], [nan] * 2, [nan] * 2) for name in ("pgd", "worst case")]
    save_figure(accuracy_curves(curves, 1.0), tmp_path / "a.png")
    save_figure(
        group_bars([Bar("no attack", 1, nan, nan), Bar("a", 0, nan, nan)]), tmp_path / "b.png"
    )


def test_one_video_promises_no_intervals() -> None:
    none = float("nan")
    figure = accuracy_curves([Curve("pgd", [0, 4], [1, 0], [none] * 2, [none] * 2)], 1.0)
    assert "interval" not in figure.axes[0].get_title()
    assert figure.axes[0].get_xlabel() == "budget eps in 1/255"
    bars = group_bars([Bar("no attack", 1, none, none), Bar("PGD", 0, none, none)])
    assert "interval" not in bars.axes[0].get_xlabel()


def test_close_budgets_leave_the_marks_to_matplotlib() -> None:
    level = [0.5] * 4
    figure = accuracy_curves([Curve("pgd", [0, 0.03, 4, 8], level, level, level)], 1.0)
    figure.draw_without_rendering()
    shown = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert "0.03" not in shown


def test_many_attacks_differ_in_color_style_or_marker() -> None:
    curves = [Curve(f"a{i}", [0, 0.1], [1, i / 20], [0, 0], [1, 1]) for i in range(15)]
    lines = [line for name, line in _lines(accuracy_curves(curves, 1.0)).items() if name[0] == "a"]
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines}
    assert len(looks) == 15


def test_a_bar_of_zero_is_seen_and_has_its_number(tmp_path: Path) -> None:
    figure = group_bars([Bar("no attack", 1, 1, 1), Bar("pgd", 0, 0, 0)], subject="on films")
    save_figure(figure, tmp_path / "bars.png")
    pixels = np.asarray(Image.open(tmp_path / "bars.png").convert("RGB")).astype(int)
    # The lower half holds no other blue.
    blue = np.abs(pixels[len(pixels) // 2 :] - [0, 114, 178]).max(axis=-1) < 40
    assert blue.any(axis=1).sum() > 30
    numbers = [
        label.get_text() for axis in figure.axes[0].child_axes for label in axis.get_yticklabels()
    ]
    assert numbers == ["100.0", "0.0"]
    assert "on films" in figure.axes[0].get_title()


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_drawn_as_it_is(name: str, tmp_path: Path) -> None:
    curve = Curve(name, [0, 4], [1, 0], [1, 0], [1, 0])
    figures = {
        "curves": accuracy_curves([curve], 1.0, subject=name, label=words.strength(name, name)),
        "bars": group_bars([Bar(name, 1, 1, 1)], subject=name),
    }
    for file, figure in figures.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            save_figure(figure, tmp_path / file, ["svg"])
        texts = [text.get_text() for text in figure.findobj(Text) if "x" in text.get_text()]
        assert texts
        for text in texts:
            # What matplotlib takes for mathematics would be set in another font, or refused.
            assert not cbook.is_math_text(text)


def test_figures_in_three_formats_are_the_same_every_time(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        figure = group_bars([Bar("no attack", 1, 1, 1), Bar("pgd", 0.5, 0.4, 0.6)])
        save_figure(figure, tmp_path / folder / "bars.png", ["png", "svg", "pdf"])
    for kind in ("png", "svg", "pdf"):
        one, other = ((tmp_path / folder / f"bars.{kind}").read_bytes() for folder in "ab")
        assert one == other
        assert not re.search(rb"20\d\d-\d\d|CreationDate", one)
    with pytest.raises(InputError, match="png, svg, pdf; got 'eps'"):
        save_figure(figure, tmp_path / "x.png", ["eps"])


def test_a_notebook_shows_a_picture() -> None:
    display = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    shown, _ = display.format(group_bars([Bar("no attack", 1, 1, 1)]))
    assert Image.open(BytesIO(shown["image/png"])).size[0] > 400
    assert len(shown["image/png"]) < 60_000


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


@pytest.mark.parametrize(
    ("door", "given", "words"),
    [
        (accuracy_curves, ("pgd", 0.5), "curves must be"),
        (accuracy_curves, ([1, 2], 0.5), "curves must be"),
        (accuracy_curves, ([], "half"), "clean must be a number"),
        (lambda subject: accuracy_curves([], 0.5, subject=subject), (3,), "subject must be text"),
        (Curve, ("a", [0, 4], [1], [1], [1]), "as many accuracies"),
        (group_bars, (3,), "bars must be"),
        (save_figure, ("figure", Path("x.png")), "figure must be"),
        (save_figure, (Picture(), 3), "path must be"),
        (learning_curve.learning_curve, ("history.json",), "rows must be"),
        (budget_curve.budget_curve, (None,), "budgets must be"),
        (loss_surface, ("x",), "grid must be"),
        (partial(comparison_picture, titles=["c"]), ("x.gif", "a", "b"), "clean must be"),
    ],
)
def test_wrong_types_are_refused_in_one_line(
    door: Callable[..., object], given: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(InputError, match=words) as error:
        door(*given)
    assert "\n" not in str(error.value)
