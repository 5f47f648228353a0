"""The words of legends and axes, so that every picture and table names a thing alike."""

WORST = "worst case"
"""What survives every attack within a budget."""

CHANCE = "chance"
TRAINING = "training"
VALIDATION = "validation"

EPOCH = "epoch"
BUDGET = "budget eps in 1/255"
ACCURACY = "top-1 accuracy in %"
MEAN_LOSS = "mean loss"

_LONGEST = 40


def shortened(name: str) -> str:
    """Cut a name to a length that a legend can hold."""
    return name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "..."
