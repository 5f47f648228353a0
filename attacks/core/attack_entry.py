"""What is known of an attack by its name: class, bound, access, settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from advvid.attacks.core.setting_text import Reader, class_readers, read_step
from advvid.attacks.core.video_attack import VideoAttack
from advvid.estimator.video_classifier import VideoClassifier

Access = Literal["white box", "black box", "control"]
"""What an attack uses: gradients, outputs only, or (a control) nothing of the model."""

Norm = Literal["Linf", "L2", "none"]
"""Of adversarial minus clean clip, what `eps` bounds; "none" for attacks that seek the nearest."""


@dataclass(frozen=True)
class AttackEntry:
    """One line of the registry.

    Args:
        attack: the ART class.
        bound: what it bounds, in words.
        access: see `Access`.
        summary: one line for `advvid attacks`.
        norm: see `Norm`; an evaluation checks every result in it.
    """

    attack: type[VideoAttack]
    bound: str
    access: Access
    summary: str
    norm: Norm = "Linf"

    def readers(self) -> Mapping[str, Reader]:
        """Give the settings that a text can hold, and how to read each."""
        return class_readers(self.attack)

    @property
    def takes_law(self) -> bool:
        """Whether its step size is that of PGD, so that a `StepSizeLaw` can give it."""
        return self.readers().get("eps_step") is read_step

    def build(self, classifier: VideoClassifier, **settings: Any) -> VideoAttack:
        """Make the attack for a classifier."""
        return self.attack(classifier, **settings)
