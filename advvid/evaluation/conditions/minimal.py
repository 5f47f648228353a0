"""The smallest budget at which an attack fools each clip."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from advvid.attacks.core.settings import PIXEL_RANGE
from advvid.attacks.spec import parse_attack
from advvid.data.loader import ClipBatch
from advvid.errors import InputError
from advvid.evaluation.condition import Condition, Outcome, Setup, Strength
from advvid.evaluation.conditions.attack import LINF, AttackCondition, plan_attack
from advvid.evaluation.conditions.bound import held_to_bound
from advvid.methods import Setting, check_settings
from advvid.methods.text import without_brackets

HALVINGS = 6
"""Unless more or fewer are asked for: seven attacks, and a 64th of the largest budget."""


@dataclass(eq=False)
class Minimal(Condition):
    """The smallest budget at which an attack fools each clip, by bisection.

    An attack at the largest budget comes first. Where it fools a clip, the interval between what
    fools and what does not is halved again and again; the clip that is nearest to the clean one is
    kept. It reports "distance", the L-infinity size of that change. Its step size is the paper's
    law unless the text of the attack gives one.
    """

    attack: Annotated[
        str,
        Setting(
            "one that takes a budget for each clip, settings in [brackets]", read=without_brackets
        ),
    ] = "pgd"
    eps: Annotated[float, Setting("largest budget", unit=PIXEL_RANGE, above=0, at_most=1)] = (
        16 / 255
    )
    halvings: Annotated[
        int, Setting("how often the interval is halved", at_least=1, at_most=24)
    ] = HALVINGS

    only_correct = True

    def __post_init__(self) -> None:
        check_settings(self)
        self.settings = {"attack": self.attack, "eps": self.eps, "halvings": self.halvings}
        more = "" if self.halvings == HALVINGS else f",halvings={self.halvings}"
        self.name = f"minimal:attack=[{self.attack}]{more}"
        self.group = "minimal"
        self.strength = Strength(self.eps, LINF)
        self.rounding = self.eps
        self._planned: AttackCondition | None = None

    def plan(self, setup: Setup) -> Sequence[Condition]:
        """Build the attack.

        Raises:
            InputError: when it cannot be built, or takes no budget for each clip.
        """
        spec = parse_attack(self.attack)
        budget = spec.entry.settings().get("eps")
        if spec.eps is not None:
            raise InputError(f"{spec.text} has a budget, and the budget is sought: leave eps out")
        if spec.norm != "Linf":
            raise InputError(
                f"minimal seeks a Linf budget for each clip, and {spec.text} bounds {spec.norm}: "
                "leave the norm out, or evaluate several budgets"
            )
        if budget is None or Tensor not in budget.kinds:
            raise InputError(
                f"minimal seeks a budget for each clip, and {spec.name} takes none: use pgd, or "
                "evaluate several budgets"
            )
        ready = copy(self)
        ready._planned = planned = plan_attack(setup, self.attack, self.eps)
        ready.facts = planned.facts
        ready.passes = (1 + self.halvings) * planned.passes
        return [ready]

    def apply(self, batch: ClipBatch, seeds: Tensor) -> Outcome:
        """Bisect the budget of every clip of a batch."""
        del seeds
        if self._planned is None:
            raise InputError("minimal has no attack before it is planned: call plan")
        attack, device = copy(self._planned.attack), batch.clips.device
        count = len(batch.clips)
        fails, fools = torch.zeros(count), torch.full((count,), self.eps)
        distance = torch.full((count,), torch.inf, device=device)
        nearest = batch.clips.clone()
        left, budgets = torch.arange(count), fools
        for halving in range(1 + self.halvings):
            at = left.to(device)
            positions = batch.indices.cpu()[left]
            attack.eps = torch.zeros(int(positions.max()) + 1)
            attack.eps[positions] = budgets[left]
            found = attack.attack_clips(batch.clips[at], batch.labels[at], positions=positions)
            predicted = attack.estimator.logits(found.clips).argmax(dim=1).to(device)
            wrong = predicted != batch.labels[at]
            size = (found.clips - batch.clips[at]).abs().flatten(1).amax(dim=1)
            # At first what does not fool is kept, too: it is the attack at the largest budget.
            kept = wrong & (size < distance[at]) | torch.full_like(wrong, halving == 0)
            nearest[at[kept]] = found.clips[kept]
            distance[at] = torch.where(wrong, torch.minimum(size, distance[at]), distance[at])
            known = wrong.cpu()
            fools[left[known]] = budgets[left[known]]
            fails[left[~known]] = budgets[left[~known]]
            if halving == 0:
                left = left[known]
            if len(left) == 0:
                break
            budgets = (fails + fools) / 2
        return Outcome(nearest, {"distance": distance})

    def check(self, batch: ClipBatch, outcome: Outcome) -> Tensor:
        """Hold the nearest clips to the largest budget."""
        return held_to_bound(self.name, batch.clips, outcome, eps=self.eps, norm="Linf")
