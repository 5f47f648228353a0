"""Figures of a training run."""

from typing import TYPE_CHECKING

from advvid.training.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue and vermilion of Okabe and Ito's palette differ in hue and lightness for every kind of
# color vision; the markers tell the lines apart without any color.
_TRAIN, _VALIDATION = "#0072B2", "#D55E00"


def learning_curve(history: History) -> "Figure":
    """Draw loss and top-1 accuracy over the epochs, training and validation, side by side.

    Returns:
        A figure that belongs to no window and to no global state of matplotlib.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss, top1 = figure.subplots(1, 2)
    for axes, train, validation in (
        (loss, "train_loss", "val_loss"),
        (top1, "train_top1", "val_top1"),
    ):
        _line(axes, history, train, label="training", color=_TRAIN, marker="o")
        if any(getattr(record, validation) is not None for record in history.epochs):
            _line(axes, history, validation, label="validation", color=_VALIDATION, marker="s")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    loss.set_ylabel("cross-entropy (nats)")
    top1.set_ylabel("top-1 accuracy")
    top1.set_ylim(0, 1.02)
    return figure


def _line(
    axes: "Axes", history: History, name: str, *, label: str, color: str, marker: str
) -> None:
    points = [(r.epoch, value) for r in history.epochs if (value := getattr(r, name)) is not None]
    axes.plot(
        [epoch for epoch, _ in points],
        [value for _, value in points],
        color=color,
        marker=marker,
        markersize=4,
        # Of a hundred epochs or more, as many markers as can be told apart.
        markevery=max(1, len(points) // 25),
        label=label,
    )
