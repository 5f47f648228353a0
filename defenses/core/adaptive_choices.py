"""What adaptive training draws from, and by which probability."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from advvid.defenses.core.budgets import check_budgets
from advvid.defenses.core.training_attack import TrainingAttack
from advvid.errors import InputError
from advvid.methods import check_settings
from advvid.methods.arguments import checked


@dataclass(frozen=True)
class Choice:
    """One of the attacks that are drawn from.

    Args:
        attack: makes the clips.
        eps: budget in [0, 1]; 0 is training on clean clips. An attack on another norm has one of
            its own, which may be larger.
        name: in histories and figures; None makes one of attack and budget.
    """

    attack: TrainingAttack
    eps: float
    name: str | None = None

    def __post_init__(self) -> None:
        check_settings(self)
        if self.attack.spec.norm == "Linf":
            check_budgets(self.eps)

    @property
    def label(self) -> str:
        """Name of the choice."""
        if self.attack.spec.eps is not None:
            return self.name or self.attack.attack
        return self.name or f"{self.attack.attack} at {255 * self.eps:.4g}"


PAPER_BUDGETS = (0.0, 2 / 255, 4 / 255, 6 / 255, 8 / 255, 10 / 255, 12 / 255)
"""E = {0, 2, ..., 12}, Kinfu and Vidal 2022, sec. 5.1."""


@checked
def budget_choices(
    budgets: Sequence[float] = PAPER_BUDGETS, attack: TrainingAttack | None = None
) -> tuple[Choice, ...]:
    """Give one choice for each budget, all of one attack."""
    attack = attack or TrainingAttack()
    return tuple(Choice(attack, eps, f"eps {255 * eps:.4g}") for eps in budgets)


def adaptive_probabilities(losses: Tensor) -> Tensor:
    """Give P(eps_i) = sum_n L_ce(F(X_n + delta_n^i), y_n) / the sum of that over all budgets.

    Args:
        losses: adversarial cross-entropy summed over clips, (B,) for B budgets or attacks.

    Returns:
        (B,), of sum 1; uniform where no loss is above 0.

    Raises:
        InputError: when a loss is not finite or below 0.

    Source: Kinfu and Vidal 2022, Eq. 8.
    """
    if not bool(((losses >= 0) & torch.isfinite(losses)).all()):
        raise InputError(f"Eq. 8 needs finite losses of at least 0; got {losses.tolist()}")
    total = losses.sum()
    if total == 0:
        return torch.full_like(losses, 1 / len(losses))
    return losses / total
