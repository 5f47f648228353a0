"""An attack with settings as text, `NAME[:key=value,...]`, and back."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from advvid.attacks.core.attack_entry import AttackEntry
from advvid.attacks.core.settings import checked_bound
from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.core.video_attack import Norm, VideoAttack
from advvid.attacks.registry import all_attacks, find_attack
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.methods import NamedSetting, read_settings, spell, split_text
from advvid.methods.arguments import checked


@dataclass(frozen=True)
class AttackSpec:
    """An attack with settings.

    Args:
        text: as it was written; names the row of a table.
        name: of the registry, or "package.module:Class".
        entry: the attack.
        settings: keyword arguments of its class.

    Raises:
        InputError: when the norm that is chosen cannot have the budget that is given.
    """

    text: str
    name: str
    entry: AttackEntry
    settings: dict[str, Any]
    bound: str = field(init=False)
    """What is bounded, in words."""

    def __post_init__(self) -> None:
        bound = self.entry.bound
        if self._chooses_norm:
            bound = checked_bound(bound, self.entry.norm, self.settings)
        object.__setattr__(self, "bound", bound)

    @property
    def eps(self) -> float | None:
        """The budget that the text fixes, or None when it is the evaluation's."""
        return self.settings.get("eps")

    @property
    def norm(self) -> Norm:
        """What the budget bounds."""
        own: Norm | None = self.settings.get("norm") if self._chooses_norm else None
        return own or self.entry.norm

    @property
    def follows_law(self) -> bool:
        """Whether the law of whole clips is right for it; see `AttackEntry.follows_law`."""
        return self.entry.follows_law and self.norm == "Linf"

    @property
    def _chooses_norm(self) -> bool:
        return "norm" in self.entry.settings()

    @property
    def kind(self) -> str:
        """What it is an attack of: the name, with a norm that is not the usual one."""
        return self.name if self.norm == self.entry.norm else f"{self.name}, {self.norm}"

    def build(self, classifier: VideoClassifier, *, eps: float, **common: Any) -> VideoAttack:
        """Make the attack for a classifier and a budget; settings override `common`."""
        return self.entry.build(classifier, **{"eps": eps, **common, **self.settings})


@checked
def parse_attack(text: str) -> AttackSpec:
    """Read `NAME[:key=value,...]`, such as "masked-pgd:ratio=0.15,eps_step=2/255".

    The keys are the settings of the attack's class; the name may also be "package.module:Class".
    `eps_step` also takes a law or its file; `eps` fixes the budget, which is otherwise the
    evaluation's.

    Raises:
        InputError: for an unknown attack or key, or a value of the wrong kind or out of range.
    """
    parts = split_text(text)
    entry = find_attack(parts.name)
    settings = read_settings(parts.name, parts.given, entry.settings())
    try:
        return AttackSpec(text, parts.name, entry, settings)
    except InputError as error:
        raise InputError(f"{parts.name}: {error}", settings=error.settings) from error


@checked
def attack_text(attack: VideoAttack, *, budget: bool = True, evaluated: bool = False) -> str:
    """Spell an attack object: its name, its budget and the settings that are not the defaults.

    `parse_attack` reads it, unless a setting is an object that no text holds (a function, a budget
    for each clip).

    Args:
        attack: any attack, a stranger's included.
        budget: whether `eps` belongs to the text.
        evaluated: whether it is for an evaluation, which has defaults of its own
            (`evaluated_with`).
    """
    name, entry = named_entry(attack)
    values, settings = attack.values(), entry.settings()
    usual = {key: setting.default for key, setting in settings.items()}
    if evaluated:
        own = {key: one for key, one in values.items() if not _is(one, usual.get(key))}
        usual |= type(attack).evaluated_with(own)
    pairs = [
        f"{key}={_spelled(values[key], setting)}"
        for key, setting in settings.items()
        if values.get(key) is not None
        and (budget if key == "eps" else not _is(values[key], usual[key]))
    ]
    return ":".join([name, ",".join(pairs)]) if pairs else name


def named_entry(attack: VideoAttack) -> tuple[str, AttackEntry]:
    """Give the name and the entry of an attack object; a stranger's is "package.module:Class"."""
    for name, entry in all_attacks().items():
        if entry.makes(attack):
            return name, entry
    kind = type(attack)
    return f"{kind.__module__}:{kind.__qualname__}", AttackEntry(kind)


def _is(value: Any, usual: Any) -> bool:
    return not isinstance(value, Tensor | np.ndarray) and bool(value == usual)


def _spelled(value: Any, setting: NamedSetting) -> str:
    if isinstance(value, StepSizeLaw):
        return value.text
    if isinstance(value, Tensor | np.ndarray):
        return "per-clip" if value.ndim else spell(float(value))
    return getattr(value, "__name__", None) or spell(value, setting)
