"""What defenses share that train on any attack of the registry."""

from dataclasses import dataclass

from advvid.defenses.core.defense import Defense
from advvid.defenses.core.settings import (
    FIVE_STEPS,
    Attack,
    AttackSteps,
    BatchNorm,
    Eps,
    RandomStart,
    Rule,
)
from advvid.defenses.core.step_rules import EQUAL_TO_BUDGET
from advvid.defenses.core.training_attack import TrainingAttack


@dataclass(frozen=True)
class AttackingDefense(Defense):
    """Budget, attack and how it is made."""

    eps: Eps = 8 / 255
    attack: Attack = "pgd"
    step_rule: Rule = EQUAL_TO_BUDGET
    attack_steps: AttackSteps = FIVE_STEPS
    random_start: RandomStart = False
    attack_batch_norm: BatchNorm = "eval"

    def training_attacks(self) -> list[TrainingAttack]:
        """Make the attacks."""
        texts = (self.attack,) if isinstance(self.attack, str) else self.attack
        return [
            TrainingAttack(
                text, self.step_rule, self.attack_steps, self.random_start, self.attack_batch_norm
            )
            for text in texts
        ]
