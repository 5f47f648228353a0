"""All attacks by the names of the command line."""

import difflib

from advvid.attacks.attack_entry import AttackEntry
from advvid.attacks.masked_pgd import MaskedPGD
from advvid.attacks.pgd import LinfPGD
from advvid.errors import InputError

ATTACKS: dict[str, AttackEntry] = {
    "pgd": AttackEntry(
        LinfPGD, "Linf", "white box", "projected gradient descent, step size from the law"
    ),
    "masked-pgd": AttackEntry(
        MaskedPGD, "Linf in a patch", "white box", "PGD inside one patch, the same in every frame"
    ),
}


def find_attack(name: str) -> AttackEntry:
    """Give the entry of an attack.

    Raises:
        InputError: when there is none of that name, with the nearest names.
    """
    if name in ATTACKS:
        return ATTACKS[name]
    near = difflib.get_close_matches(name, ATTACKS, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(ATTACKS)}"
    raise InputError(f"unknown attack {name!r}; {hint}")
