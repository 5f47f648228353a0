"""All defenses by the names of the command line."""

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.aat import build_adaptive
from advvid.defenses.at import build_adversarial
from advvid.defenses.cat import build_curriculum
from advvid.defenses.core.defense import Defense
from advvid.defenses.fast import build_fast
from advvid.defenses.free import build_free
from advvid.defenses.trades import build_trades
from advvid.errors import InputError


@dataclass(frozen=True)
class DefenseEntry:
    """One line of the registry.

    Args:
        build: makes the defense; its keyword arguments are the options that it takes.
        summary: one line for `advvid defenses`.
        cost: of a step, in passes, for `advvid defenses`; M is the number of attack steps.
        default_eps: budget in 1/255, as the command line spells it.
    """

    build: Callable[..., Defense]
    summary: str
    cost: str
    default_eps: str

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options that the defense takes."""
        parameters = inspect.signature(self.build).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


DEFENSES: dict[str, DefenseEntry] = {
    "at": DefenseEntry(build_adversarial, "adversarial training on any attack", "M + 1", "8"),
    "aat": DefenseEntry(
        build_adaptive,
        "adaptive: budgets or attacks drawn by their loss",
        "M + 1",
        "0,2,4,6,8,10,12",
    ),
    "cat": DefenseEntry(build_curriculum, "curriculum: the budget rises (or falls)", "M + 1", "12"),
    "trades": DefenseEntry(
        build_trades, "agreement of clean and adversarial clips (KL)", "M + 2", "8"
    ),
    "free": DefenseEntry(build_free, "each batch several times, attack for free", "replays", "8"),
    "fast": DefenseEntry(build_fast, "FGSM from a random start", "2", "8"),
}


def build_defense(name: str, data: ClipDataset, **options: Any) -> Defense:
    """Make a defense by its name.

    Args:
        name: of `DEFENSES`.
        data: clips to train on.
        options: those of the defense; None stands for its default.

    Raises:
        InputError: for an unknown name (with the nearest), an option that the defense does not
            take, or one that is out of range.
    """
    if name not in DEFENSES:
        near = difflib.get_close_matches(name, DEFENSES, n=2) or list(DEFENSES)
        raise InputError(f"unknown defense {name!r}; did you mean {' or '.join(near)}?")
    entry = DEFENSES[name]
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        if option not in entry.options:
            raise InputError(
                f"{option} means nothing for the defense {name}, which takes "
                f"{', '.join(entry.options)}: leave it out"
            )
    return entry.build(data, **given)
