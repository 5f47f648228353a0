"""What is known of an attack by its name: class, bound, access, settings."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.core.video_attack import Access, Norm, VideoAttack
from advvid.estimator.video_classifier import VideoClassifier
from advvid.methods import NamedSetting, settings_of


@dataclass(frozen=True)
class AttackEntry:
    """One line of the registry; all else is read from the class.

    Args:
        attack: the ART class.
    """

    attack: type[VideoAttack]

    @property
    def norm(self) -> Norm:
        """What the budget bounds; an evaluation checks every result in it."""
        return self.attack.norm

    @property
    def bound(self) -> str:
        """What is bounded, in words."""
        return self.attack.bound

    @property
    def access(self) -> Access:
        """What of the model is used."""
        return self.attack.access

    @property
    def summary(self) -> str:
        """One line for listings: the first of the docstring, without a pointer elsewhere."""
        line = (inspect.getdoc(self.attack) or "").partition("\n")[0]
        return line.partition("; see ")[0].removesuffix(".")

    @property
    def takes_law(self) -> bool:
        """Whether its step size is that of PGD, so that a `StepSizeLaw` can give it."""
        step = self.settings().get("eps_step")
        return step is not None and StepSizeLaw in step.kinds

    @property
    def follows_law(self) -> bool:
        """Whether a law of whole clips is right for it; attacks on a part have their own step."""
        return self.takes_law and getattr(self.attack, "default_step", None) is None

    def settings(self) -> Mapping[str, NamedSetting]:
        """Give the settings of the attack, without those that every attack has."""
        settings = settings_of(self.attack)
        return {name: settings[name] for name in settings if name not in self.attack.common}

    def build(self, classifier: VideoClassifier, **settings: Any) -> VideoAttack:
        """Make the attack for a classifier."""
        return self.attack(classifier, **settings)

    def makes(self, attack: VideoAttack) -> bool:
        """Tell whether an attack is of this entry."""
        return type(attack) is self.attack
