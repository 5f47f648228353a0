"""The words of legends and axes, so that every picture and table names a thing alike."""

WORST = "worst case"
"""Accuracy on what remains correct under every condition up to a strength."""

NO_ATTACK = "no attack"
CHANCE = "chance"
TRAINING = "training"
VALIDATION = "validation"

OVERFITTED = "catastrophic overfitting"
EPOCH = "epoch"
BUDGET = "budget eps in 1/255"
ACCURACY = "top-1 accuracy in %"
MEAN_LOSS = "mean loss"

_LONGEST = 40


def strength(name: str, unit: str) -> str:
    """Name the axis of a strength, such as eps in 1/255."""
    return BUDGET if (name, unit) == ("eps", "1/255") else f"{name} in {unit}" if unit else name


def shortened(name: str) -> str:
    """Cut a name to a length that a legend can hold."""
    return name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "..."
