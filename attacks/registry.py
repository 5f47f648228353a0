"""All attacks by the names of the command line."""

from advvid.attacks.apgd import APGD, APGDDLR
from advvid.attacks.apgd_targeted import APGDTargeted
from advvid.attacks.autoattack import AutoAttack
from advvid.attacks.core.attack_entry import AttackEntry
from advvid.attacks.core.video_attack import VideoAttack
from advvid.attacks.ddn import DDN
from advvid.attacks.fab import FABTargeted
from advvid.attacks.flickering.attack import Flickering
from advvid.attacks.frame_border import FrameBorder
from advvid.attacks.frame_saliency import FrameSaliency
from advvid.attacks.masked_pgd import MaskedPGD
from advvid.attacks.noise import CornerNoise, RandomNoise
from advvid.attacks.pgd import LinfPGD
from advvid.attacks.sparse import SparseAttack
from advvid.attacks.square import Square
from advvid.attacks.toolkits.art_adapter import ArtAttack
from advvid.attacks.toolkits.foreign_attack import ForeignAttack
from advvid.attacks.toolkits.foreign_entry import find_foreign, foreign_entries
from advvid.attacks.toolkits.torchattacks_adapter import TorchattacksAttack
from advvid.errors import InputError, shown
from advvid.methods import Registry
from advvid.methods.arguments import checked
from advvid.methods.imported import import_class, is_stranger
from advvid.methods.suggestion import ask

ATTACKS: Registry[AttackEntry] = Registry(
    "attack",
    {
        "pgd": AttackEntry(LinfPGD),
        "masked-pgd": AttackEntry(MaskedPGD),
        "frame-border": AttackEntry(FrameBorder),
        "frame-saliency": AttackEntry(FrameSaliency),
        "flickering": AttackEntry(Flickering),
        "sparse": AttackEntry(SparseAttack),
        "apgd-ce": AttackEntry(APGD),
        "apgd-dlr": AttackEntry(APGDDLR),
        "apgd-t": AttackEntry(APGDTargeted),
        "fab-t": AttackEntry(FABTargeted),
        "ddn": AttackEntry(DDN),
        "square": AttackEntry(Square),
        "autoattack": AttackEntry(AutoAttack),
        "random-noise": AttackEntry(RandomNoise),
        "corner-noise": AttackEntry(CornerNoise),
    },
)

TOOLKITS: dict[str, type[ForeignAttack]] = {
    toolkit.toolkit: toolkit for toolkit in (TorchattacksAttack, ArtAttack)
}


def all_attacks() -> dict[str, AttackEntry]:
    """List every attack by its name: advvid's own, then those of torchattacks and of ART."""
    entries = dict(ATTACKS)
    for toolkit in TOOLKITS.values():
        entries |= foreign_entries(toolkit)
    return entries


@checked
def find_attack(name: str) -> AttackEntry:
    """Give the entry of an attack by its name; capitals do not matter.

    Args:
        name: of `ATTACKS`, "torchattacks/Name", "art/Name", or a stranger's "package.module:Class".

    Raises:
        InputError: when there is none of that name, with the nearest names; when it is one of
            another toolkit that does not run on clips, with the reason; or when the stranger's
            class cannot be imported or is no `VideoAttack`.
    """
    if is_stranger(name):
        return AttackEntry(import_class(name, VideoAttack))  # type: ignore[type-abstract]
    prefix, slash, rest = name.partition("/")
    toolkit = TOOLKITS.get(prefix.lower()) if slash else None
    if toolkit is not None:
        return find_foreign(toolkit, rest)
    if ATTACKS.canonical(name) is None:
        elsewhere = [
            f"{one.toolkit}/{found}"
            for one in TOOLKITS.values()
            if (found := one.canonical(name)) is not None
        ]
        if elsewhere:
            raise InputError(f"unknown attack {shown(name)}; {ask(elsewhere)}")
    return ATTACKS.find(name)
