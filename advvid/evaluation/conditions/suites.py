"""Sets of attacks by one name."""

from collections.abc import Sequence
from typing import NamedTuple

from advvid.attacks.registry import ATTACKS
from advvid.attacks.spec import AttackSpec, parse_attack
from advvid.errors import InputError, shown
from advvid.evaluation.condition import Combined
from advvid.methods.suggestion import ask, near_names

# The five attack types of Kinfu and Vidal 2022, Table 4, three settings each. The paper does not
# print its settings: these are those of its authors' code, half and twice as much of what bounds
# each attack. Their flickering has no bound and takes 10 sign steps of 0.02: the three bounds and
# the Adam steps are ours. Patches stop at success, which spares most of their 300 steps; theirs are
# at random places.
_PART = "eps=1.0,eps_step=0.005,max_iter=300,early_stop=yes"
_SALIENCY = "eps_step=0.0004,max_iter=100"
_PAPER = {
    "frame saliency (one-shot)": [
        f"frame-saliency:method=one-shot,eps={eps},eps_step=0.003,max_iter=100"
        for eps in (0.0075, 0.015, 0.03)
    ],
    "frame saliency (iterative)": [
        f"frame-saliency:method=iterative,eps={eps},{_SALIENCY}" for eps in (0.0075, 0.015, 0.03)
    ],
    "masked PGD": [f"masked-pgd:corner=random,ratio={r},{_PART}" for r in (0.075, 0.15, 0.3)],
    "frame border": [f"frame-border:ratio={ratio},{_PART}" for ratio in (0.075, 0.15, 0.3)],
    "flickering": [f"flickering:eps={eps}" for eps in ("0.05", "0.1", "0.2")],
    "PGD (optimal step)": ["pgd"],
}

SUITES: dict[str, dict[str, list[str]]] = {
    "quick": {"noise": ["random-noise"], "PGD": ["pgd:max_iter=10,early_stop=yes"]},
    "standard": {
        "noise": ["random-noise", "corner-noise"],
        # The two losses fool different clips of a robust model, at the same cost.
        "PGD": ["pgd", "pgd:loss=cw"],
        "masked PGD": ["masked-pgd"],
        "frame border": ["frame-border"],
        "frame saliency": ["frame-saliency"],
        "flickering": ["flickering"],
        "sparse": ["sparse"],
        "AutoAttack": ["apgd-ce", "apgd-t", "fab-t", "square"],
    },
    "paper": _PAPER,
}
"""Name of a suite -> group -> attacks. "paper" is VideoAT's Table 4 and the columns of Table 1."""

WORST_OF_EACH_CLIP = frozenset({"PGD", "AutoAttack"})
"""Groups that are one attack in several parts: a clip is robust that withstands all of them. The
accuracies of other groups are averaged."""


class PlannedAttack(NamedTuple):
    """An attack of a suite, or one that was named by itself."""

    spec: AttackSpec
    group: str
    """Attacks of one group share a bar and a number."""
    combined: Combined = "mean"
    suite: str = ""
    """That it is of; "" where it was named by itself."""


def expand(attacks: Sequence[str], *, targeted: bool = False) -> list[PlannedAttack]:
    """Turn names of attacks and suites into attacks, in order and each once; "none" gives none.

    Args:
        attacks: see `evaluate`.
        targeted: leave out of suites what cannot be targeted, see `untargetable`.

    Raises:
        InputError: for a name that is neither, settings that an attack does not have, or an attack
            that was named by itself and cannot be targeted.
    """
    rows = _rows(attacks)
    if not targeted:
        return rows
    for row in rows:
        if (why := row.spec.entry.attack.no_targets) and not row.suite:
            raise InputError(
                f"{row.spec.text} cannot be targeted: {why}; leave it out, or the target"
            )
    return [row for row in rows if not row.spec.entry.attack.no_targets]


def untargetable(attacks: Sequence[str]) -> list[str]:
    """List the attacks of suites that `expand` leaves out of a targeted evaluation."""
    return [row.spec.text for row in _rows(attacks) if row.spec.entry.attack.no_targets]


def _rows(attacks: Sequence[str]) -> list[PlannedAttack]:
    rows: dict[str, PlannedAttack] = {}
    for text in attacks:
        if text in SUITES:
            for group, members in SUITES[text].items():
                how: Combined = "worst" if group in WORST_OF_EACH_CLIP else "mean"
                for member in members:
                    planned = PlannedAttack(parse_attack(member), group, how, text)
                    rows.setdefault(member, planned)
        elif text != "none":
            near = near_names(text, [*SUITES, *ATTACKS], most=1)
            if ATTACKS.canonical(text.partition(":")[0]) is None and near and near[0] in SUITES:
                raise InputError(f"unknown attack or suite {shown(text)}; {ask(near)}")
            spec = parse_attack(text)
            rows[text] = rows.get(text, PlannedAttack(spec, spec.kind))._replace(suite="")
    return list(rows.values())
