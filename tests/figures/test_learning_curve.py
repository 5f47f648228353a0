import sys
from pathlib import Path

import numpy as np

from advvid.training import EpochRecord, History, learning_curve


def _history(*, validated: bool) -> History:
    return History(
        [
            EpochRecord(
                epoch=epoch,
                train_loss=2.0 / epoch,
                train_top1=0.1 * epoch,
                val_loss=2.5 / epoch if validated else None,
                val_top1=0.08 * epoch if validated else None,
                lr=0.1,
                seconds=1.0,
            )
            for epoch in range(1, 6)
        ]
    )


def test_both_axes_show_both_lines_of_the_history(tmp_path: Path) -> None:
    figure = learning_curve(_history(validated=True))
    loss, top1 = figure.axes
    for axes, names in ((loss, ("train_loss", "val_loss")), (top1, ("train_top1", "val_top1"))):
        assert axes.get_xlabel() == "epoch"
        assert axes.get_ylabel()
        legend = axes.get_legend()
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]
        for line, name in zip(axes.lines, names, strict=True):
            np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4, 5])
            scale = 100 if axes is top1 else 1
            expected = [scale * row[name] for row in _history(validated=True).rows()]
            np.testing.assert_array_equal(line.get_ydata(), expected)
        # Told apart without color.
        assert len({line.get_marker() for line in axes.lines}) == 2
    figure.savefig(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_no_validation_no_line() -> None:
    for axes in learning_curve(_history(validated=False)).axes:
        assert len(axes.lines) == 1


def test_pyplot_stays_out_of_it() -> None:
    before = "matplotlib.pyplot" in sys.modules
    learning_curve(_history(validated=True))
    assert ("matplotlib.pyplot" in sys.modules) == before
