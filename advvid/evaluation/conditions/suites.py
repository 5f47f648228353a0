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
        "PGD": ["pgd"],
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

WORST_OF_EACH_CLIP = frozenset({"AutoAttack"})
"""Groups that are one attack in several parts: a clip is robust that withstands all of them. The
accuracies of other groups are averaged."""


class PlannedAttack(NamedTuple):
    """An attack of a suite, or one that was named by itself."""

    spec: AttackSpec
    group: str
    """Attacks of one group share a bar and a number."""
    combined: Combined = "mean"


def expand(attacks: Sequence[str]) -> list[PlannedAttack]:
    """Turn names of attacks and suites into attacks, in order and each once; "none" gives none.

    Raises:
        InputError: for a name that is neither, or settings that an attack does not have.
    """
    rows: dict[str, PlannedAttack] = {}
    for text in attacks:
        if text in SUITES:
            for group, members in SUITES[text].items():
                how: Combined = "worst" if group in WORST_OF_EACH_CLIP else "mean"
                for member in members:
                    rows.setdefault(member, PlannedAttack(parse_attack(member), group, how))
        elif text != "none":
            near = near_names(text, [*SUITES, *ATTACKS], most=1)
            if ATTACKS.canonical(text.partition(":")[0]) is None and near and near[0] in SUITES:
                raise InputError(f"unknown attack or suite {shown(text)}; {ask(near)}")
            spec = parse_attack(text)
            rows.setdefault(text, PlannedAttack(spec, spec.name))
    return list(rows.values())
