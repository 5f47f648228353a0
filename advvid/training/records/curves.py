"""A history as figures."""

from typing import TYPE_CHECKING

from advvid.methods.arguments import checked
from advvid.training.records.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@checked
def learning_curve(history: History, *, subject: str = "") -> "Figure":
    """Draw loss and top-1 accuracy in % over the epochs, see `advvid.figures.learning_curve`."""
    from advvid.figures import learning_curve

    return learning_curve.learning_curve(history.rows(), subject=subject)


@checked
def generalization_gap(history: History, *, subject: str = "") -> "Figure":
    """Draw accuracy on clips that were trained on and on others, for a run with a `RobustCheck`."""
    from advvid.figures import generalization_gap

    return generalization_gap.generalization_gap(
        history.rows(), history.best_epoch, subject=subject
    )
