"""How much better a model does on clips that it was trained on."""

from typing import TYPE_CHECKING

from advvid.training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The colors of the learning curve; the markers do without color.
_TRAIN, _VALIDATION = "#0072B2", "#D55E00"


def generalization_gap(history: History) -> "Figure":
    """Draw accuracy on training and on validation clips after each epoch, and the gap between.

    Both are measured in evaluation mode on clips in their evaluation view, without attack on the
    left, and under one fixed attack on the right.

    Args:
        history: of a run with a `RobustCheck`.

    Returns:
        A figure that belongs to no window and to no global state of matplotlib.

    Source: Kinfu and Vidal 2022, Fig. 4.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, title, train, validation in zip(
        figure.subplots(1, 2, sharey=True),
        ("without attack", "under attack"),
        ("seen_top1", "seen_robust_top1"),
        ("val_top1", "val_robust_top1"),
        strict=True,
    ):
        records = [r for r in history.epochs if getattr(r, train) is not None]
        epochs = [r.epoch for r in records]
        seen = [100 * getattr(r, train) for r in records]
        held_out = [100 * (getattr(r, validation) or 0.0) for r in records]
        every = max(1, len(epochs) // 25)
        axes.plot(
            epochs, seen, color=_TRAIN, marker="o", markersize=4, markevery=every, label="training"
        )
        axes.plot(
            epochs,
            held_out,
            color=_VALIDATION,
            marker="s",
            markersize=4,
            markevery=every,
            label="validation",
        )
        axes.fill_between(epochs, held_out, seen, color="#999999", alpha=0.2, linewidth=0)
        if history.best_epoch is not None:
            axes.axvline(history.best_epoch, color="#666666", linestyle=":", label="kept weights")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(-2, 102)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("top-1 accuracy in %")
    figure.axes[1].legend(frameon=False, fontsize=8)
    return figure
