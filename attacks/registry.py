"""All attacks by the names of the command line."""

import difflib
from collections.abc import Iterable, Sequence

from advvid.attacks.apgd import APGD, APGDDLR
from advvid.attacks.apgd_targeted import APGDTargeted
from advvid.attacks.autoattack import AutoAttack
from advvid.attacks.core.attack_entry import AttackEntry
from advvid.attacks.fab import FABTargeted
from advvid.attacks.flickering.attack import Flickering
from advvid.attacks.frame_border import FrameBorder
from advvid.attacks.frame_saliency import FrameSaliency
from advvid.attacks.masked_pgd import MaskedPGD
from advvid.attacks.noise import CornerNoise, RandomNoise
from advvid.attacks.pgd import LinfPGD
from advvid.attacks.sparse import SparseAttack
from advvid.attacks.square import Square
from advvid.attacks.toolkits.foreign_attack import ForeignAttack, foreign_entries
from advvid.errors import InputError

ATTACKS: dict[str, AttackEntry] = {
    "pgd": AttackEntry(
        LinfPGD, "Linf", "white box", "projected gradient descent, step size from the law"
    ),
    "masked-pgd": AttackEntry(
        MaskedPGD, "Linf in a patch", "white box", "PGD inside one patch, the same in every frame"
    ),
    "frame-border": AttackEntry(
        FrameBorder, "Linf in a border", "white box", "PGD inside a border of every frame"
    ),
    "frame-saliency": AttackEntry(
        FrameSaliency, "Linf in frames", "white box", "PGD on as few frames as it takes"
    ),
    "flickering": AttackEntry(
        Flickering, "one Linf color offset a frame", "white box", "frames that flicker in color"
    ),
    "sparse": AttackEntry(
        SparseAttack, "Linf, few frames (L2,1)", "white box", "pays for every frame that changes"
    ),
    "apgd-ce": AttackEntry(
        APGD, "Linf", "white box", "Auto-PGD on the cross-entropy, step size by itself"
    ),
    "apgd-dlr": AttackEntry(
        APGDDLR, "Linf", "white box", "Auto-PGD on the difference of logits ratio"
    ),
    "apgd-t": AttackEntry(
        APGDTargeted, "Linf", "white box", "Auto-PGD toward each of the likely classes"
    ),
    "fab-t": AttackEntry(
        FABTargeted, "Linf", "white box", "nearest clip across each likely boundary"
    ),
    "square": AttackEntry(Square, "Linf", "black box", "random search with blocks in space-time"),
    "autoattack": AttackEntry(
        AutoAttack, "Linf", "white box", "APGD-CE, APGD-T, FAB-T, Square on what still stands"
    ),
    "random-noise": AttackEntry(
        RandomNoise, "Linf", "control", "uniform noise: what an attack has to beat"
    ),
    "corner-noise": AttackEntry(
        CornerNoise, "Linf", "control", "noise at the corners of the budget"
    ),
}


def all_attacks() -> dict[str, AttackEntry]:
    """List every attack by its name: advvid's own, then those of torchattacks and of ART."""
    entries = dict(ATTACKS)
    for toolkit in _toolkits().values():
        entries |= foreign_entries(toolkit)
    return entries


def find_attack(name: str) -> AttackEntry:
    """Give the entry of an attack: of a name in `ATTACKS`, "torchattacks/Name" or "art/Name".

    Capitals do not matter.

    Raises:
        InputError: when there is none of that name, with the nearest names, or when it is one of
            another toolkit that does not run on clips, with the reason.
    """
    prefix, slash, rest = name.partition("/")
    toolkit = _toolkits().get(prefix.lower()) if slash else None
    if toolkit is None:
        found = _same(name, ATTACKS)
        if found is not None:
            return ATTACKS[found]
        raise InputError(f"unknown attack {name!r}; {_hint(name)}")
    found = _same(rest, [*toolkit.recipes, *toolkit.refused, *toolkit.short_names])
    if found is None:
        near = difflib.get_close_matches(rest, [*toolkit.recipes, *toolkit.short_names], n=3)
        full = [f"{toolkit.toolkit}/{one}" for one in near]
        hint = _did_you_mean(full) or "`advvid attacks` lists them"
        raise InputError(f"unknown attack {name!r}; {hint}")
    found = toolkit.short_names.get(found, found)
    if found in toolkit.refused:
        raise InputError(f"{toolkit.toolkit}/{found} is not offered: {toolkit.refused[found]}")
    return foreign_entries(toolkit)[f"{toolkit.toolkit}/{found}"]


def _toolkits() -> dict[str, type[ForeignAttack]]:
    from advvid.attacks.toolkits.art_adapter import ArtAttack
    from advvid.attacks.toolkits.torchattacks_adapter import TorchattacksAttack

    return {toolkit.toolkit: toolkit for toolkit in (TorchattacksAttack, ArtAttack)}


def _same(name: str, names: Iterable[str]) -> str | None:
    """Find a name whatever its capitals."""
    return {one.lower(): one for one in names}.get(name.lower())


def _hint(name: str) -> str:
    """Name the nearest of advvid's own attacks, or the same of other toolkits."""
    elsewhere = [
        f"{toolkit.toolkit}/{found}"
        for toolkit in _toolkits().values()
        if (found := _same(name, [*toolkit.recipes, *toolkit.short_names])) is not None
    ]
    near = difflib.get_close_matches(name, ATTACKS, n=3, cutoff=0.4)
    return _did_you_mean(elsewhere or near) or f"there are {', '.join(ATTACKS)}"


def _did_you_mean(names: Sequence[str]) -> str:
    return f"did you mean {' or '.join(names)}?" if names else ""
