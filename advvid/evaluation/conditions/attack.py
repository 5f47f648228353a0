"""Attacks times budgets."""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Annotated, Any

import torch
from torch import Tensor

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.core.video_attack import Norm, VideoAttack
from advvid.attacks.spec import AttackSpec, attack_text, named_entry, parse_attack
from advvid.checks import check_budget
from advvid.data.loader import ClipBatch
from advvid.errors import InputError
from advvid.evaluation.alarms.gradients import gradient_alarms
from advvid.evaluation.condition import Axis, Combined, Condition, Outcome, Setup, Strength
from advvid.evaluation.conditions.bound import held_to_bound
from advvid.evaluation.conditions.suites import PlannedAttack, expand
from advvid.methods.kinds import CONVERTED
from advvid.methods.text import note_small_budget, spell

LINF = Axis("eps", unit="1/255", kind="attack", clean=0.0, scale=255.0)
L2 = Axis("eps", unit="L2", kind="attack", clean=0.0)
L1 = Axis("eps", unit="L1", kind="attack", clean=0.0)
# Budgets of an attack without a bound of its own are of the Linf norm, which it is projected to.
_AXES: dict[Norm, Axis] = {"Linf": LINF, "none": LINF, "L2": L2, "L1": L1}

Attacks = Annotated[str | VideoAttack | Sequence[str | VideoAttack], CONVERTED]
"""Names `NAME[:key=value,...]`, suites, or attacks built for the classifier; "none" for none."""


_SEARCH_LONGER = 10
"""Times as many queries has an attack of a suite that asks for outputs only, where gradients are in
doubt: it is then the one that shows how robust a model is."""


def as_list(attacks: Attacks) -> list[Any]:
    """Give all attacks where one may stand for a list."""
    return list(attacks) if isinstance(attacks, list | tuple) else [attacks]


class AttackCondition(Condition):
    """An attack with a budget.

    Args:
        attack: built for the classifier that is evaluated.
        spec: names its row.
        eps: the budget, in the norm of the attack.
        group: kind of attack that it makes one row with, unless its name.
        combined: how the attacks of the group make one number.
        suite: that it is of, "" where it was asked for by itself: then it stays as it is.
    """

    only_correct = True

    def __init__(
        self,
        attack: VideoAttack,
        spec: AttackSpec,
        eps: float,
        *,
        group: str | None = None,
        combined: Combined = "mean",
        suite: str = "",
    ) -> None:
        self.spec, self.suite = spec, suite
        self.attack, self.name, self.group, self.eps = attack, spec.text, group or spec.kind, eps
        self.combined = combined
        self.strength = Strength(eps, _AXES[attack.norm])
        self.targeted = attack.targeted
        self.rounding = eps if self.strength.axis is LINF else None
        self.facts = {"access": attack.access, "bound": attack.bound, "norm": attack.norm}
        step = getattr(attack, "eps_step", None)
        if spec.follows_law and isinstance(step, float):
            self.facts["eps_step"] = step * 255
        # Whoever compares two results has to know them, and their names do not tell.
        self.facts |= {name: spell(getattr(attack, name)) for name in attack.evaluated_with({})}
        settings = {**attack.values(), "targeted": attack.targeted, "seed": attack.seed}
        self.passes = expected_passes(attack)
        self.settings = json.loads(json.dumps(settings, default=_named))

    @property
    def work(self) -> str:
        """An attack without a budget is one object for all of them, and gives the same."""
        return f"attack {id(self.attack)}" if self.attack.norm == "none" else self.key

    @property
    def caption(self) -> str:
        """Name and budget, where it has one."""
        return self.name if self.attack.norm == "none" else super().caption

    def adapted(self, probes: Mapping[str, Any]) -> "AttackCondition | None":
        """Leave out what needs a gradient that is not there; search longer where it is in doubt."""
        if "no_gradient" in probes and self.attack.access == "white box":
            return None
        queries = self.attack.values().get("queries")
        blind = self.attack.access == "black box"
        if queries is None or not (self.suite and blind and any(gradient_alarms(probes))):
            return self
        attack = copy(self.attack)
        attack.set_params(queries=_SEARCH_LONGER * queries)
        text = attack_text(attack, budget=self.spec.eps is not None)
        return AttackCondition(
            attack,
            replace(self.spec, text=text),
            self.eps,
            group=self.group,
            combined=self.combined,
            suite=self.suite,
        )

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


def expected_passes(attack: VideoAttack) -> float:
    """Guess from its settings how many passes of the model an attack takes for a clip.

    Steps times runs times targets, or queries. It is only a forecast until the attack has run.
    """
    values = attack.values()

    def number(*names: str) -> float:
        known = (values.get(name) for name in names)
        return max(1.0, *(float(one) for one in known if isinstance(one, int | float)), 1.0)

    if attack.access == "control":
        return 0.0
    if attack.access == "black box":
        return number("queries", "max_iter", "steps", "n_queries")
    runs = number("num_random_init", "nb_random_init", "n_restarts") * number("eot")
    return 3 * number("max_iter", "steps") * runs * number("targets") + number("queries")


def plan_attacks(
    setup: Setup,
    attacks: Attacks,
    eps: Sequence[float],
    law: StepSizeLaw,
    *,
    targeted: bool = False,
) -> tuple[list[AttackCondition], list[float]]:
    """Build every attack for every budget, once; for the arguments see `evaluate`.

    Returns:
        A condition for each attack and budget; and the budgets, Linf and rising, that make a column
        of the table.

    Raises:
        InputError: when an attack or a budget cannot be used.
    """
    given = as_list(attacks)
    # 0 adds nothing: accuracy without attack is always measured.
    budgets = sorted({float(budget) for budget in eps if budget != 0})
    for budget in budgets:
        check_budget(budget)
        note_small_budget(budget)
    rows = expand([one for one in given if isinstance(one, str)], targeted=targeted)
    how = {"targeted": True} if targeted else {}
    named = [one for row in rows for one in _from_text(setup, row, budgets, law, how)]
    objects = [one for one in given if not isinstance(one, str)]
    built = [one for attack in objects for one in _from_object(setup, attack, budgets, targeted)]
    # Budgets that were not chosen for the attacks that are there make no columns.
    shown = {one.eps for one in built if one.strength.axis is LINF}
    return [*named, *built], sorted(shown.union(budgets if named else ()))


def plan_attack(
    setup: Setup, attack: str, eps: float, *, targeted: bool = False
) -> AttackCondition:
    """Build one attack, `NAME[:key=value,...]`, for its own budget or else for `eps`.

    Raises:
        InputError: when the attack does not exist, or cannot be built so.
    """
    spec = parse_attack(attack)
    _check_norm(spec)
    built = _build(setup, spec, eps, **({"targeted": True} if targeted else {}))
    return AttackCondition(built, spec, eps if spec.eps is None else spec.eps)


def _from_text(
    setup: Setup,
    planned: PlannedAttack,
    budgets: Sequence[float],
    law: StepSizeLaw,
    more: Mapping[str, Any],
) -> Iterable[AttackCondition]:
    """Build an attack with a budget of its own once, others for each budget."""
    spec, group, combined = planned.spec, planned.group, planned.combined
    _check_norm(spec)
    if spec.eps is not None and spec.norm == "Linf":
        check_budget(spec.eps)
    built: VideoAttack | None = None
    for eps in budgets if spec.eps is None else [spec.eps]:
        if built is None or built.norm != "none":
            chosen = {"eps_step": law} if spec.follows_law else {}
            built = _build(setup, spec, eps, **chosen, **more)
        yield AttackCondition(built, spec, eps, group=group, combined=combined, suite=planned.suite)


def _check_norm(spec: AttackSpec) -> None:
    """Refuse budgets of the Linf norm for an attack that bounds another."""
    if spec.eps is None and _AXES[spec.norm] is not LINF:
        raise InputError(
            f"{spec.text} bounds the {spec.norm} norm, the budgets are of the Linf norm: give it "
            f"its own, such as eps={2 if spec.norm == 'L2' else 20}"
        )


def _build(setup: Setup, spec: AttackSpec, eps: float, **more: Any) -> VideoAttack:
    common = {"seed": setup.seed, "batch_size": setup.batch_size, "verbose": False}
    common |= spec.entry.attack.evaluated_with(spec.settings)
    built = spec.build(setup.classifier, eps=eps, **common, **more)
    # Before a folder is made, not when the first batch is attacked.
    if (shape := setup.classifier.clip_shape) is not None:
        built.check_fit(shape)
    return built


def _from_object(
    setup: Setup, attack: VideoAttack, budgets: Sequence[float], targeted: bool
) -> Iterable[AttackCondition]:
    """Take an attack that the caller has built, with its own budget where it has one."""
    kind = type(attack).__name__
    if not isinstance(attack, VideoAttack):
        raise InputError(
            "attacks are texts such as 'pgd' or attacks of advvid such as LinfPGD(classifier); "
            f"got {kind}"
        )
    if attack.estimator is not setup.classifier:
        raise InputError(
            f"{kind} was built for another classifier: build it for the one that is evaluated"
        )
    if attack.targeted and not targeted:
        raise InputError(
            f"{kind} is targeted, and labels are no targets here: say which (target=), or "
            "targeted=False"
        )
    if targeted and not attack.targeted:
        why = f"it cannot be: {attack.no_targets}" if attack.no_targets else "targeted=True"
        raise InputError(f"{kind} is not targeted, and a target is given: {why}")
    own = getattr(attack, "eps", None)
    if own is not None and not isinstance(own, int | float):
        raise InputError(f"{kind} has a budget for each clip: evaluate one budget at a time")
    spec = AttackSpec(
        attack_text(attack, budget=False, evaluated=True), *named_entry(attack), attack.values()
    )
    for eps in budgets if own is None else [float(own)]:
        yield AttackCondition(attack, spec, eps)


def _named(value: Any) -> str:
    """Name a setting that JSON cannot hold."""
    return getattr(value, "__name__", None) or str(value)
