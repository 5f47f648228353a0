"""How loss and accuracy change while a model is trained."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from advvid.figures import palette, words
from advvid.figures.axes import epoch_axis, grid, headed, marker_interval, new_figure, percent_axis
from advvid.methods.arguments import checked


@checked
def learning_curve(rows: Sequence[Mapping[str, Any]], *, subject: str = "") -> Figure:
    """Draw loss and top-1 accuracy over the epochs, training and validation, side by side.

    Args:
        rows: one for each epoch, as in history.json: "epoch", "train_loss", "train_top1",
            "val_loss" and "val_top1"; accuracies are shares in [0, 1], None is not drawn. Where
            "catastrophic_overfitting" is true the epoch is shaded.
        subject: model, data and numbers of clips, for the title.
    """
    figure = new_figure(9, 3.6)
    loss, top1 = figure.subplots(1, 2)
    for axes, quantity, scale in ((loss, "loss", 1), (top1, "top1", 100)):
        for part, label, look in (
            ("train", words.TRAINING, palette.TRAINING),
            ("val", words.VALIDATION, palette.VALIDATION),
        ):
            shown = [row for row in rows if row[f"{part}_{quantity}"] is not None]
            if shown:
                axes.plot(
                    [row["epoch"] for row in shown],
                    [scale * row[f"{part}_{quantity}"] for row in shown],
                    markevery=marker_interval(len(shown)),
                    label=label,
                    **look,
                )
        if overfitted := [row["epoch"] for row in rows if row.get("catastrophic_overfitting")]:
            for epoch in overfitted:
                axes.axvspan(epoch - 0.5, epoch + 0.5, **palette.OVERFITTED)
            # One entry in the legend for all of them.
            axes.patches[-1].set_label(words.OVERFITTED)
        epoch_axis(axes)
        grid(axes)
        axes.legend(frameon=False)
    loss.set_ylabel("cross-entropy (nats)")
    percent_axis(top1)
    headed(figure, subject)
    return figure
