"""The words of legends and axes, so that every picture and table names a thing alike."""

from advvid.escaping import for_figure, visible

WORST = "worst case"
"""Accuracy on what remains correct under every condition up to a strength."""

NO_ATTACK = "no attack"
CHANCE = "chance"
TRAINING = "training"
VALIDATION = "validation"

OVERFITTED = "catastrophic overfitting"
EPOCH = "epoch"
FRAMES = "most frames that may be changed"
BUDGET = "budget eps in 1/255"
ACCURACY = "top-1 accuracy in %"
MEAN_LOSS = "mean loss"

_LONGEST = 40


def strength(name: str, unit: str) -> str:
    """Name the axis of a strength, such as eps in 1/255."""
    if (name, unit) == ("eps", "1/255"):
        return BUDGET
    return f"{shortened(name)} in {shortened(unit)}" if unit else shortened(name)


def shortened(name: str) -> str:
    """Cut a name to a length that a legend can hold, and let matplotlib draw it as it is."""
    name = visible(name)
    return for_figure(name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "...")
