"""Attacks on video classifiers, one family a file."""

from advvid.attacks.apgd import APGD, APGDDLR, apgd
from advvid.attacks.apgd_targeted import APGDTargeted, apgd_targeted
from advvid.attacks.autoattack import AutoAttack, AutoAttackResult, auto_attack
from advvid.attacks.core.attack_entry import AttackEntry
from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack
from advvid.attacks.ddn import DDN, DDNResult, ddn
from advvid.attacks.fab import FABTargeted, fab_targeted
from advvid.attacks.flickering.attack import Flickering, FlickeringResult, flickering
from advvid.attacks.flickering.universal import UniversalOffsets, universal_flickering
from advvid.attacks.frame_border import FrameBorder, frame_border
from advvid.attacks.frame_saliency import FrameSaliency, FrameSaliencyResult, frame_saliency
from advvid.attacks.masked_pgd import MaskedPGD, masked_pgd
from advvid.attacks.noise import CornerNoise, RandomNoise, random_noise
from advvid.attacks.pgd import LinfPGD, linf_pgd
from advvid.attacks.registry import ATTACKS, all_attacks, find_attack
from advvid.attacks.sparse import SparseAttack, SparseResult, sparse_attack
from advvid.attacks.spec import AttackSpec, attack_text, parse_attack
from advvid.attacks.square import Square, SquareResult, square_attack
from advvid.attacks.toolkits.art_adapter import ArtAttack
from advvid.attacks.toolkits.torchattacks_adapter import TorchattacksAttack
from advvid.methods import Setting

__all__ = [
    "APGD",
    "APGDDLR",
    "ATTACKS",
    "DDN",
    "PAPER_LAW",
    "APGDTargeted",
    "ArtAttack",
    "AttackBatch",
    "AttackEntry",
    "AttackSpec",
    "Attacked",
    "AutoAttack",
    "AutoAttackResult",
    "CornerNoise",
    "DDNResult",
    "FABTargeted",
    "Flickering",
    "FlickeringResult",
    "FrameBorder",
    "FrameSaliency",
    "FrameSaliencyResult",
    "LinfPGD",
    "MaskedPGD",
    "RandomNoise",
    "Setting",
    "SparseAttack",
    "SparseResult",
    "Square",
    "SquareResult",
    "StepSizeLaw",
    "TorchattacksAttack",
    "UniversalOffsets",
    "VideoAttack",
    "all_attacks",
    "apgd",
    "apgd_targeted",
    "attack_text",
    "auto_attack",
    "ddn",
    "fab_targeted",
    "find_attack",
    "flickering",
    "frame_border",
    "frame_saliency",
    "linf_pgd",
    "masked_pgd",
    "parse_attack",
    "random_noise",
    "sparse_attack",
    "square_attack",
    "universal_flickering",
]
