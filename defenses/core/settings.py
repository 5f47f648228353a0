"""Settings that several defenses share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from advvid.attacks.spec import parse_attack
from advvid.defenses.core.budgets import Budgets, one_budget, read_budgets, spell_budgets
from advvid.defenses.core.defense import Defense
from advvid.defenses.core.schedules import Schedule, as_schedule, check_steps, read_schedule
from advvid.defenses.core.step_rules import (
    EQUAL_TO_BUDGET,
    StepRule,
    read_step_rule,
    spell_step_rule,
)
from advvid.defenses.core.training_attack import AttackBatchNorm, TrainingAttack
from advvid.errors import InputError
from advvid.methods import Setting, settings_of
from advvid.methods.text import split_outside_brackets, without_brackets

FIVE_STEPS = as_schedule(5)
"""Attack steps of Kinfu and Vidal's code."""


def read_attacks(text: str) -> tuple[str, ...]:
    """Read attacks "[pgd:max_iter=3,loss=cw]/[flickering]"; one alone needs no brackets."""
    parts = split_outside_brackets(text, "/")
    if len(parts) > 1 and not all(part.startswith("[") for part in parts):
        # The name or a setting of one attack: torchattacks/PGDL2, eps=4/255.
        parts = [text]
    return tuple(without_brackets(part) for part in parts)


def check_attacks(attack: str | tuple[str, ...]) -> None:
    """Refuse attacks that do not exist or cannot be set so, and no attack.

    Raises:
        InputError: see `parse_attack`.
    """
    texts = (attack,) if isinstance(attack, str) else attack
    if not texts:
        raise InputError("attack must name what to train on; got none", settings=("attack",))
    for text in texts:
        parse_attack(text)


def check_one_attack(attack: str | tuple[str, ...]) -> None:
    """Refuse several attacks.

    Raises:
        InputError: saying which defense takes them.
    """
    check_attacks(attack)
    if not isinstance(attack, str) and len(attack) != 1:
        raise InputError(f"this defense trains on one attack, not {len(attack)}: use aat for more")


def _attack(check: Callable[[Any], object] = check_attacks) -> Setting:
    return Setting(
        "what to train on, NAME or [NAME:KEY=VALUE,...] (see `advvid attacks`)",
        read=read_attacks,
        verify=check,
    )


Eps = Annotated[
    Budgets,
    Setting(
        "budget, or one that changes: linear:0:12, cosine:0:12, list:0:4:8, with @iteration behind "
        "to change within epochs",
        unit="1/255",
        read=read_budgets,
        spell=spell_budgets,
        verify=one_budget,
    ),
]
Attack = Annotated[str | tuple[str, ...], _attack(check_one_attack)]
Attacks = Annotated[str | tuple[str, ...], _attack()]
Rule = Annotated[
    StepRule,
    Setting(
        "step size: optimal, half (of optimal), eps, 1.25x (of eps), a number in 1/255, the file "
        "of a law, or a schedule of numbers",
        unit="1/255",
        read=read_step_rule,
        spell=spell_step_rule,
    ),
]
AttackSteps = Annotated[
    int | Schedule,
    Setting(
        "steps of the attack, or a schedule of them",
        read=read_schedule,
        spell=str,
        verify=check_steps,
    ),
]
BatchNorm = Annotated[AttackBatchNorm, Setting("of the model under attack: eval or train")]


@dataclass(frozen=True)
class AttackingDefense(Defense):
    """A defense that trains on any attack of the registry: budget, attack and how it is made."""

    eps: Eps = 8 / 255
    attack: Attack = "pgd"
    step_rule: Rule = EQUAL_TO_BUDGET
    attack_steps: AttackSteps = FIVE_STEPS
    random_start: Annotated[bool, Setting("start the attack at random")] = False
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

    def check_used(self, attacks: Sequence[TrainingAttack]) -> None:
        """Refuse a step rule or steps that none of the attacks has a use for; defaults pass.

        Raises:
            InputError: naming the setting.
        """
        used = {
            "step_rule": any(attack.spec.entry.takes_law for attack in attacks),
            "attack_steps": any(attack.takes("max_iter") for attack in attacks),
        }
        for name, setting in settings_of(type(self)).items():
            if not used.get(name, True) and getattr(self, name) != setting.default:
                names = ", ".join(attack.attack for attack in attacks)
                raise InputError(f"{name} means nothing for {names}: leave it out")
