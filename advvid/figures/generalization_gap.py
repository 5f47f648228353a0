"""How much better a model does on clips that it was trained on."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from advvid.figures import palette, words
from advvid.figures.axes import (
    SMALL,
    TITLE_SIZE,
    epoch_axis,
    grid,
    headed,
    marker_interval,
    new_figure,
    percent_axis,
)
from advvid.methods.arguments import checked


@checked
def generalization_gap(
    rows: Sequence[Mapping[str, Any]], best_epoch: int | None = None, *, subject: str = ""
) -> Figure:
    """Draw accuracy on training and on validation clips after each epoch, and the gap between.

    Both are measured in evaluation mode on clips in their evaluation view, without attack on the
    left, and under one fixed attack on the right.

    Args:
        rows: one for each epoch, as in history.json: "epoch", "seen_top1", "val_top1",
            "seen_robust_top1" and "val_robust_top1", shares in [0, 1]; epochs without the check
            are not drawn.
        best_epoch: the epoch whose weights are kept, or None.
        subject: model, data, numbers of clips and the attack, for the title.

    Source: Kinfu and Vidal 2022, Fig. 4.
    """
    figure = new_figure(9, 3.6)
    both = figure.subplots(1, 2, sharey=True)
    for axes, title, accuracy in zip(
        both, ("without attack", "under attack"), ("top1", "robust_top1"), strict=True
    ):
        shown = [row for row in rows if row.get(f"seen_{accuracy}") is not None]
        epochs = [row["epoch"] for row in shown]
        seen = [100 * row[f"seen_{accuracy}"] for row in shown]
        held_out = [100 * (row[f"val_{accuracy}"] or 0.0) for row in shown]
        every = marker_interval(len(shown))
        axes.plot(epochs, seen, markevery=every, label=words.TRAINING, **palette.TRAINING)
        axes.plot(epochs, held_out, markevery=every, label=words.VALIDATION, **palette.VALIDATION)
        axes.fill_between(epochs, held_out, seen, color=palette.GRAY, alpha=0.2, linewidth=0)
        if best_epoch is not None:
            axes.axvline(best_epoch, label="kept weights", **palette.KEPT_EPOCH)
        axes.set_title(title, fontsize=TITLE_SIZE)
        epoch_axis(axes)
        percent_axis(axes, label=axes is both[0])
        grid(axes)
    both[1].legend(frameon=False, fontsize=SMALL)
    headed(figure, subject)
    return figure
