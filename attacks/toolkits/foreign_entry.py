"""Attacks of other toolkits by "toolkit/Name"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advvid.attacks.core.attack_entry import AttackEntry
from advvid.attacks.core.video_attack import Access, Norm, VideoAttack
from advvid.attacks.toolkits.foreign_attack import ForeignAttack
from advvid.attacks.toolkits.foreign_recipe import Recipe
from advvid.errors import InputError, shown
from advvid.estimator.video_classifier import VideoClassifier
from advvid.methods import NamedSetting
from advvid.methods.suggestion import ask, near_names


@dataclass(frozen=True)
class ForeignEntry(AttackEntry):
    """An attack of another toolkit by its name.

    Args:
        attack: class of the toolkit.
        name: as its toolkit calls it.
    """

    attack: type[ForeignAttack]
    name: str

    @property
    def norm(self) -> Norm:
        """What the budget bounds."""
        return self._recipe.norm

    @property
    def bound(self) -> str:
        """What is bounded, in words."""
        return self._recipe.bound

    @property
    def access(self) -> Access:
        """What of the model is used."""
        return self._recipe.access

    @property
    def summary(self) -> str:
        """One line for listings."""
        return f"{self.name} of {self.attack.toolkit}"

    def settings(self) -> Mapping[str, NamedSetting]:
        """Give the settings that a text can hold."""
        return self.attack.settings_of(self.name)

    def build(self, classifier: VideoClassifier, **settings: Any) -> VideoAttack:
        """Make the attack for a classifier."""
        return self.attack(classifier, self.name, **settings)

    def makes(self, attack: VideoAttack) -> bool:
        """Tell whether an attack is of this entry."""
        return type(attack) is self.attack and attack.name == self.name

    @property
    def _recipe(self) -> Recipe:
        return self.attack.recipes[self.name]


def foreign_entries(toolkit: type[ForeignAttack]) -> dict[str, AttackEntry]:
    """Give the registry's entries of a toolkit, by "toolkit/Name"."""
    return {f"{toolkit.toolkit}/{name}": ForeignEntry(toolkit, name) for name in toolkit.recipes}


def find_foreign(toolkit: type[ForeignAttack], name: str) -> AttackEntry:
    """Give the entry of a toolkit's attack; capitals do not matter, and short names do.

    Raises:
        InputError: when there is none of that name, or it does not run on clips, with the reason.
    """
    found = toolkit.canonical(name)
    if found is None:
        near = near_names(name, [*toolkit.recipes, *toolkit.short_names])
        full = [f"{toolkit.toolkit}/{one}" for one in near]
        hint = ask(full) or "`advvid attacks` lists them"
        raise InputError(f"unknown attack {shown(f'{toolkit.toolkit}/{name}')}; {hint}")
    if found in toolkit.refused:
        raise InputError(f"{toolkit.toolkit}/{found} is not offered: {toolkit.refused[found]}")
    return ForeignEntry(toolkit, found)
