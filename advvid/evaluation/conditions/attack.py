"""Attacks times budgets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.core.video_attack import VideoAttack
from advvid.attacks.spec import AttackSpec, attack_text, named_entry, parse_attack
from advvid.checks import check_budget
from advvid.data.loader import ClipBatch
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation.condition import Axis, Condition, Outcome, Setup, Strength
from advvid.evaluation.conditions.bound import held_to_bound
from advvid.evaluation.conditions.suites import Row, expand

LINF = Axis("eps", unit="1/255", kind="attack", clean=0.0, scale=255.0)
L2 = Axis("eps", unit="L2", kind="attack", clean=0.0)


class AttackCondition(Condition):
    """An attack with a budget.

    Args:
        attack: built for the classifier that is evaluated.
        name: of its row.
        group: kind of attack that it is averaged with.
        eps: the budget, in the norm of the attack.
        takes_law: whether its step size is one of those that a law describes.
    """

    only_correct = True

    def __init__(
        self, attack: VideoAttack, *, name: str, group: str, eps: float, takes_law: bool
    ) -> None:
        self.attack, self.name, self.group = attack, name, group
        self.eps = eps
        self.strength = Strength(eps, L2 if attack.norm == "L2" else LINF)
        self.rounding = None if attack.norm == "L2" else eps
        self.facts = {"access": attack.access, "bound": attack.bound, "norm": attack.norm}
        step = getattr(attack, "eps_step", None)
        if takes_law and isinstance(step, float):
            self.facts["eps_step"] = step * 255
        settings = {**attack.values(), "targeted": attack.targeted, "seed": attack.seed}
        self.settings = {key: _plain(value) for key, value in settings.items()}

    @property
    def work(self) -> str:
        """An attack without a budget is one object for all of them, and gives the same."""
        return f"attack {id(self.attack)}" if self.attack.norm == "none" else self.key

    @property
    def caption(self) -> str:
        """Name and budget, where it has one."""
        return self.name if self.attack.norm == "none" else super().caption

    def apply(self, batch: ClipBatch, seeds: Tensor) -> Outcome:
        """Attack a batch; the attack makes its streams itself, from its own seed."""
        del seeds
        positions = batch.indices.cpu()
        attacked = self.attack.attack_clips(batch.clips, batch.labels, positions=positions)
        if attacked.clips.is_cuda:
            torch.cuda.synchronize(attacked.clips.device)
        return Outcome(*attacked)

    def check(self, batch: ClipBatch, outcome: Outcome) -> Tensor:
        """Hold the attack to its bound and its support."""
        return held_to_bound(self.name, batch.clips, outcome, eps=self.eps, norm=self.attack.norm)


@dataclass(frozen=True)
class AttackPlan:
    """What attacks and budgets come to.

    Args:
        conditions: one for each attack and budget.
        budgets: that make a column of the table, Linf, rising.
    """

    conditions: list[AttackCondition]
    budgets: tuple[float, ...]


def plan_attacks(
    setup: Setup,
    attacks: str | VideoAttack | Sequence[str | VideoAttack],
    eps: Sequence[float],
    law: StepSizeLaw,
) -> AttackPlan:
    """Build every attack for every budget, once.

    Args:
        setup: of the evaluation.
        attacks: texts, suites and attacks; "none" for no attack.
        eps: Linf budgets of attacks that have none of their own, fractions of the pixel range; 0
            adds nothing, because accuracy without attack is always measured.
        law: step size of attacks whose text does not fix it.

    Raises:
        InputError: when an attack or a budget cannot be used.
    """
    given = [attacks] if isinstance(attacks, str | VideoAttack) else attacks
    texts = [one for one in given if isinstance(one, str)]
    objects = [one for one in given if not isinstance(one, str)]
    budgets = sorted({float(budget) for budget in eps if budget != 0})
    for budget in budgets:
        check_budget(budget)
    texts_built = [one for row in expand(texts) for one in _from_text(setup, row, budgets, law)]
    objects_built = [
        one for attack in objects for one in _from_object(setup.classifier, attack, budgets)
    ]
    # Budgets that were not chosen for the attacks that are there make no columns.
    shown = {one.eps for one in objects_built if one.attack.norm != "L2"}
    shown |= set(budgets) if texts_built else set()
    return AttackPlan([*texts_built, *objects_built], tuple(sorted(shown)))


def plan_attack(
    setup: Setup, attack: str, eps: float, *, targeted: bool = False
) -> AttackCondition:
    """Build one attack for one budget.

    Args:
        setup: what is attacked.
        attack: `NAME[:key=value,...]`; a budget of its own counts for more than `eps`.
        eps: budget, in the norm of the attack.
        targeted: labels are the classes that clips are to look like.

    Raises:
        InputError: when the attack does not exist, or cannot be built so.
    """
    spec = parse_attack(attack)
    budget = eps if spec.eps is None else spec.eps
    goal = {"targeted": True} if targeted else {}
    return _condition(Row(spec, spec.name), _build(setup, spec, budget, goal), budget)


def _from_text(
    setup: Setup, row: Row, budgets: Sequence[float], law: StepSizeLaw
) -> Iterable[AttackCondition]:
    """Build one row: an attack with a budget of its own once, others for each budget."""
    spec = row.spec
    if spec.eps is None and spec.entry.norm == "L2":
        raise InputError(
            f"{spec.text} bounds the L2 norm, the budgets are of the Linf norm: give it its own, "
            f"such as {spec.name}:eps=2"
        )
    if spec.eps is not None and spec.entry.norm == "Linf":
        check_budget(spec.eps)
    common = {"eps_step": law} if spec.entry.takes_law else {}
    built: VideoAttack | None = None
    for eps in budgets if spec.eps is None else [spec.eps]:
        if built is None or built.norm != "none":
            built = _build(setup, spec, eps, common)
        yield _condition(row, built, eps)


def _build(setup: Setup, spec: AttackSpec, eps: float, more: Mapping[str, Any]) -> VideoAttack:
    """Build an attack for a budget."""
    common = {"seed": setup.seed, "batch_size": setup.batch_size, "verbose": False}
    return spec.build(setup.classifier, eps=eps, **common, **more)


def _condition(row: Row, attack: VideoAttack, eps: float) -> AttackCondition:
    law = row.spec.entry.takes_law
    return AttackCondition(attack, name=row.spec.text, group=row.group, eps=eps, takes_law=law)


def _from_object(
    classifier: VideoClassifier, attack: VideoAttack, budgets: Sequence[float]
) -> Iterable[AttackCondition]:
    """Take an attack that the caller has built, with its own budget where it has one."""
    kind = type(attack).__name__
    if not isinstance(attack, VideoAttack):
        raise InputError(
            "attacks are texts such as 'pgd' or attacks of advvid such as LinfPGD(classifier); "
            f"got {kind}"
        )
    if attack.estimator is not classifier:
        raise InputError(
            f"{kind} was built for another classifier: build it for the one that is evaluated"
        )
    if attack.targeted:
        raise InputError(f"{kind} is targeted, and labels are no targets here: targeted=False")
    name, entry = named_entry(attack)
    own = getattr(attack, "eps", None)
    if own is not None and not isinstance(own, int | float):
        raise InputError(f"{kind} has a budget for each clip: evaluate one budget at a time")
    row = attack_text(attack, budget=False)
    for eps in budgets if own is None else [float(own)]:
        yield AttackCondition(attack, name=row, group=name, eps=eps, takes_law=entry.takes_law)


def _plain(value: Any) -> Any:
    """Give a setting as JSON can hold it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return getattr(value, "__name__", None) or str(value)
