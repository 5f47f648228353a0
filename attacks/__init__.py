"""Attacks on video classifiers, one family a file."""

from advvid.attacks.attack_spec import parse_attack
from advvid.attacks.masked_pgd import MaskedPGD, masked_pgd
from advvid.attacks.pgd import LinfPGD, linf_pgd
from advvid.attacks.registry import ATTACKS
from advvid.attacks.step_law import PAPER_LAW, StepSizeLaw

__all__ = [
    "ATTACKS",
    "PAPER_LAW",
    "LinfPGD",
    "MaskedPGD",
    "StepSizeLaw",
    "linf_pgd",
    "masked_pgd",
    "parse_attack",
]
