"""All defenses by the names of the command line."""

from typing import Any

from torch.utils.data import DataLoader, Dataset

from advvid.data.clip_dataset import ClipDataset
from advvid.data.wrapping import as_dataset
from advvid.defenses.aat import AdaptiveTraining
from advvid.defenses.at import AdversarialTraining
from advvid.defenses.cat import CurriculumTraining
from advvid.defenses.core.defense import Defense, Prepared
from advvid.defenses.fast import FastTraining
from advvid.defenses.free import FreeTraining
from advvid.defenses.trades import TradesTraining
from advvid.errors import InputError, shown
from advvid.methods import MethodRegistry, settings_of, split_text
from advvid.methods.arguments import checked

DEFENSES: MethodRegistry[Defense] = MethodRegistry(
    "defense",
    Defense,
    {
        "at": AdversarialTraining,
        "aat": AdaptiveTraining,
        "cat": CurriculumTraining,
        "trades": TradesTraining,
        "free": FreeTraining,
        "fast": FastTraining,
    },
)


@checked
def read_defense(text: str, **settings: Any) -> Defense:
    """Read "NAME:key=value,...", such as "aat:update_every=10,eps=0/4/8".

    Args:
        text: budgets are in 1/255.
        settings: further ones as values, budgets as fractions; None stands for the default.

    Raises:
        InputError: for an unknown defense (with the nearest), a setting that it does not take or
            that is given twice, or a value that cannot be.
    """
    found = split_text(text)
    known = settings_of(DEFENSES.find(found.name))
    given = {name: value for name, value in settings.items() if value is not None}
    for name in given:
        if name not in known:
            raise InputError(
                f"{name} means nothing for the defense {found.name}, which takes "
                f"{', '.join(known)}: leave it out"
            )
        if name in found.given:
            raise InputError(f"{name} is given twice: leave it out of {shown(text)}, or beside it")
    return DEFENSES.read(text, **given)


@checked
def build_defense(
    defense: str | Defense,
    data: "ClipDataset | Dataset[Any] | DataLoader[Any]",
    *,
    seed: int = 0,
    **settings: Any,
) -> Prepared:
    """Make what `advvid.train` needs to train by a defense.

    Args:
        defense: as text, see `read_defense`, or made.
        data: clips to train on, as for `advvid.train`.
        seed: of the choice of clips that are held out.
        settings: of a defense that comes as text.

    Raises:
        InputError: see `read_defense`, and when settings and data do not go together.
    """
    if isinstance(defense, str):
        defense = read_defense(defense, **settings)
    elif settings:
        raise InputError(f"{', '.join(settings)}: a defense that is made has its settings already")
    return defense.prepare(as_dataset(data), seed=seed)
