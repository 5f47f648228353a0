"""Attacks times budgets."""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from advvid.attacks.core.attack_entry import AttackEntry
from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.core.video_attack import VideoAttack
from advvid.attacks.registry import all_attacks
from advvid.checks import check_budget
from advvid.data.loader import ClipBatch
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation.condition import Axis, Condition, Outcome, Setup, Strength
from advvid.evaluation.conditions.bound import held_to_bound
from advvid.evaluation.conditions.suites import Row, expand
from advvid.methods import spell

LINF = Axis("eps", unit="1/255", kind="attack", clean=0.0, scale=255.0)
L2 = Axis("eps", unit="L2", kind="attack", clean=0.0)

_NOT_OF_THE_RESULT = ("eps", "targeted", "batch_size", "verbose")
"""Settings that do not tell one row of a table from another."""


class AttackCondition(Condition):
    """An attack with a budget.

    Args:
        attack: built for the classifier that is evaluated.
        name: of its row.
        group: kind of attack that it is averaged with.
        entry: what is known of it: norm, access, bound.
        eps: the budget, in the norm of the attack.
    """

    only_correct = True

    def __init__(
        self, attack: VideoAttack, *, name: str, group: str, entry: AttackEntry, eps: float
    ) -> None:
        self.attack, self.name, self.group = attack, name, group
        self.norm, self.eps = entry.norm, eps
        self.strength = Strength(eps, L2 if entry.norm == "L2" else LINF)
        self.rounding = None if entry.norm == "L2" else eps
        self.facts = {"access": entry.access, "bound": entry.bound, "norm": entry.norm}
        step = getattr(attack, "eps_step", None)
        if entry.takes_law and isinstance(step, float):
            self.facts["eps_step"] = step * 255
        self.settings = {
            setting: _plain(getattr(attack, setting))
            for setting in attack.attack_params
            if setting not in ("batch_size", "verbose") and hasattr(attack, setting)
        }

    @property
    def work(self) -> str:
        """An attack without a budget gives the same for all of them."""
        return f"attack {self.name}" if self.norm == "none" else self.key

    @property
    def caption(self) -> str:
        """Name and budget, where it has one."""
        return self.name if self.norm == "none" else super().caption

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
        return held_to_bound(self.name, batch.clips, outcome, eps=self.eps, norm=self.norm)


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
        attacks: texts, suites and attacks; "none" stands for none.
        eps: Linf budgets of attacks that have none of their own, fractions of the pixel range; 0
            stands for accuracy without attack, which is always there.
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
    built = [
        *(one for row in expand(texts) for one in _from_text(setup, row, budgets, law)),
        *(one for attack in objects for one in _from_object(setup.classifier, attack, budgets)),
    ]
    # Budgets that were not chosen for the attacks that are there make no columns.
    shown = set(budgets) if texts or not objects else set()
    shown |= {one.eps for one in built if one.attack in objects and one.norm != "L2"}
    return AttackPlan(built, tuple(sorted(shown)))


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
    common: dict[str, Any] = {"seed": setup.seed, "batch_size": setup.batch_size, "verbose": False}
    if spec.entry.takes_law:
        common["eps_step"] = law
    for eps in budgets if spec.eps is None else [spec.eps]:
        attack = spec.build(setup.classifier, eps=eps, **common)
        yield AttackCondition(attack, name=spec.text, group=row.group, entry=spec.entry, eps=eps)


def _from_object(
    classifier: VideoClassifier, attack: VideoAttack, budgets: Sequence[float]
) -> Iterable[AttackCondition]:
    """Take an attack that the caller has built, with its own budget where it has one."""
    kind = type(attack).__name__
    if not isinstance(attack, VideoAttack):
        raise InputError(
            f"attacks are texts such as 'pgd' or attacks of advvid such as LinfPGD(classifier); "
            f"got {kind}"
        )
    if attack.estimator is not classifier:
        raise InputError(f"{kind} was built for another classifier than the one evaluated")
    if attack.targeted:
        raise InputError(f"{kind} is targeted, and an evaluation has no targets: targeted=False")
    name, entry = _registered(attack)
    own = getattr(attack, "eps", None)
    if own is not None and not isinstance(own, int | float):
        raise InputError(f"{kind} has a budget for each clip: evaluate one budget at a time")
    for eps in budgets if own is None else [float(own)]:
        yield AttackCondition(attack, name=_named(attack, name), group=name, entry=entry, eps=eps)


def _registered(attack: VideoAttack) -> tuple[str, AttackEntry]:
    """Find the name and entry of an attack by its class; a stranger is taken for a white box."""
    toolkit = getattr(attack, "toolkit", None)
    for name, entry in all_attacks().items():
        if entry.attack is type(attack) and (
            toolkit is None or name == f"{toolkit}/{getattr(attack, 'name', '')}"
        ):
            return name, entry
    kind = type(attack)
    return kind.__name__, AttackEntry(kind)


def _named(attack: VideoAttack, name: str) -> str:
    """Name a row: the attack with what differs from its defaults."""
    parameters = inspect.signature(type(attack)).parameters
    differing = []
    for setting in attack.attack_params:
        if setting in _NOT_OF_THE_RESULT or setting not in parameters or setting == "name":
            continue
        value = getattr(attack, setting)
        if value != parameters[setting].default:
            differing.append(f"{setting}={spell(value)}")
    differing += [f"{key}={spell(value)}" for key, value in getattr(attack, "settings", {}).items()]
    return f"{name}:{','.join(differing)}" if differing else name


def _plain(value: Any) -> Any:
    """Give a setting as JSON can hold it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return getattr(value, "__name__", None) or str(value)
