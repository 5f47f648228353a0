"""All attacks by the names of the command line."""

import difflib
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from advvid.attacks.masked_pgd import MaskedPGD
from advvid.attacks.pgd import LinfPGD
from advvid.attacks.step_law import StepSizeLaw
from advvid.attacks.video_attack import VideoAttack
from advvid.errors import InputError
from advvid.estimator import VideoClassifier


@dataclass(frozen=True)
class AttackEntry:
    """One line of the registry.

    Args:
        attack: the ART class.
        bound: what it bounds.
        access: "white box" or "black box".
        summary: one line for `advvid attacks`.
    """

    attack: type[VideoAttack]
    bound: str
    access: str
    summary: str


ATTACKS: dict[str, AttackEntry] = {
    "pgd": AttackEntry(
        LinfPGD, "Linf", "white box", "projected gradient descent, step size from the law"
    ),
    "masked-pgd": AttackEntry(
        MaskedPGD, "Linf in a patch", "white box", "PGD inside one patch, the same in every frame"
    ),
}


@dataclass(frozen=True)
class AttackSpec:
    """An attack with settings, as `NAME[:key=value,...]` spells it.

    Args:
        text: as it was written; names the row of a table.
        entry: the attack.
        settings: keyword arguments of its class.
    """

    text: str
    entry: AttackEntry
    settings: dict[str, Any]

    def build(self, classifier: VideoClassifier, *, eps: float, **common: Any) -> VideoAttack:
        """Make the attack for a classifier and a budget; settings win over `common`."""
        return self.entry.attack(classifier, **{"eps": eps, **common, **self.settings})


# What an evaluation decides itself; targets cannot be given by a text.
_NOT_SETTINGS = ("self", "estimator", "eps", "targeted", "seed", "verbose")


def parse_attack(text: str) -> AttackSpec:
    """Read `NAME[:key=value,...]`, such as "masked-pgd:ratio=0.15,max_iter=50".

    The keys are the arguments of the attack's class. `eps_step` also takes the file of a law.

    Raises:
        InputError: for an unknown attack or key, or a value of the wrong kind.
    """
    name, _, rest = text.partition(":")
    if name not in ATTACKS:
        near = difflib.get_close_matches(name, ATTACKS, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(ATTACKS)}"
        raise InputError(f"unknown attack {name!r}; {hint}")
    entry = ATTACKS[name]
    readers = _setting_readers(entry.attack)
    settings = {}
    for pair in filter(None, rest.split(",")):
        key, equals, value = pair.partition("=")
        if not equals or key not in readers:
            raise InputError(
                f"{name} has no setting {pair!r}; write key=value with one of {', '.join(readers)}"
            )
        try:
            settings[key] = readers[key](value)
        except ValueError as error:
            raise InputError(f"{name}: {key} cannot be {value!r}") from error
    return AttackSpec(text, entry, settings)


def _setting_readers(attack: type[VideoAttack]) -> dict[str, Callable[[str], Any]]:
    """Find the settings of a class that a text can hold, and how to read each."""
    readers: dict[str, Callable[[str], Any]] = {}
    for cls in reversed(attack.__mro__):
        if not issubclass(cls, VideoAttack) or cls is VideoAttack:
            continue
        for name, parameter in inspect.signature(cls.__init__).parameters.items():
            reader = _reader(parameter.annotation)
            if name not in _NOT_SETTINGS and reader is not None:
                readers[name] = reader
    return readers


def _reader(annotation: Any) -> Callable[[str], Any] | None:
    """Choose how to read a setting from its annotation."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()
    kinds = kinds or (annotation,)
    if StepSizeLaw in kinds:
        return _step
    for kind, reader in ((bool, _flag), (int, int), (float, float), (str, str)):
        if kind in kinds:
            return reader
    return None


def _step(text: str) -> float | StepSizeLaw:
    """Read a step size: a fraction of the pixel range, or the file of a law."""
    return StepSizeLaw.load(text) if text.endswith(".json") else float(text)


def _flag(text: str) -> bool:
    if text.lower() in ("true", "yes", "1"):
        return True
    if text.lower() in ("false", "no", "0"):
        return False
    raise ValueError(text)
