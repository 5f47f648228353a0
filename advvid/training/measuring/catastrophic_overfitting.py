"""Catastrophic overfitting: a model that masters the attacks it trains on, and no others."""

from collections.abc import Sequence
from itertools import pairwise

from advvid.training.records.history import EpochRecord
from advvid.training.task import CountedAttack

# Sound training leaves PGD at least two thirds of what is right under the training attacks, and
# overfitting next to nothing (Andriushchenko and Flammarion 2020, Fig. 1). A quarter lies between
# them, and one clip of the smallest samples does not decide.
_LEFT = 0.25


def overfits(
    counted: CountedAttack | None,
    *,
    train_top1: float,
    robust_top1: float | None,
    robust_eps: float | None,
    classes: int,
) -> bool | None:
    """Tell whether a model masters its own attacks, and PGD of no larger budget fools it.

    It masters them from halfway between chance and perfect on; PGD then leaves less than a quarter.

    Args:
        counted: what the training clips were attacked with, or None.
        train_top1: accuracy on them while the weights changed, in [0, 1].
        robust_top1: accuracy of training clips under PGD, in [0, 1]; None where not measured.
        robust_eps: budget of that PGD, a fraction of the pixel range; None where there is none.
        classes: K, at least 2.

    Returns:
        None where the two cannot be compared.

    Source: Wong, Rice and Kolter 2020, "Fast is better than free", sec. 5.4; Andriushchenko and
    Flammarion 2020, "Understanding and improving fast adversarial training".
    """
    if counted is None or counted.share <= 0 or robust_top1 is None or robust_eps is None:
        return None
    # A weaker training attack says nothing about a stronger one.
    if counted.eps < robust_eps * (1 - 1e-6):
        return None
    # As if every clip that was not attacked had been right.
    own = (train_top1 - (1 - counted.share)) / counted.share
    return own >= (1 + 1 / classes) / 2 and robust_top1 < _LEFT * own


def onsets(epochs: Sequence[EpochRecord]) -> list[str]:
    """Give the warnings of all epochs in which catastrophic overfitting begins, see `onset`."""
    found = (onset(last, record) for last, record in pairwise((None, *epochs)) if record)
    return [warning for warning in found if warning]


def onset(last: EpochRecord | None, record: EpochRecord) -> str:
    """Say what begins in an epoch, and what helps; "" where nothing does.

    Args:
        last: the epoch before, or None.
        record: the epoch.
    """
    begins = record.catastrophic_overfitting and not (last and last.catastrophic_overfitting)
    if not begins or record.seen_robust_top1 is None:
        return ""
    return (
        f"catastrophic overfitting from epoch {record.epoch} on: the model gets "
        f"{record.train_top1:.0%} of the attacks right that it trains on, and "
        f"{record.seen_robust_top1:.0%} of training clips under PGD: it is not robust. Train with "
        "--defense at and --random-start, more --attack-steps, a smaller --step-rule (optimal, "
        "half) or a smaller --eps; GradAlign (Andriushchenko and Flammarion 2020), which advvid "
        "does not have, is another remedy"
    )
