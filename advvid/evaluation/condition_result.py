"""What an evaluation found under one condition at one strength, clip by clip."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from advvid.errors import InputError
from advvid.evaluation.accuracy import Accuracy
from advvid.evaluation.condition import Combined, Strength

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
Units = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ConditionResult:
    """One condition at one strength.

    Args:
        name: of its row; an attack's is as it was asked for.
        group: conditions that it makes one row with.
        strength: of the condition, such as a budget in the norm of an attack.
        correct: bool (N,): classified correctly under the condition; False for clips that were not
            worth the work, because they are misclassified without it.
        correct_8bit: bool (N,): the same after rounding to 8 bits.
        correct_h264: bool (N,): the same after H.264, or None.
        loss: (N,) cross-entropy, NaN where the condition was not applied.
        applied: number of clips that it was applied to.
        seconds: that it took, over all processes.
        forwards: clips of all forward passes that it made.
        gradients: clips of all backward passes that it made.
        report: numbers that it gave, (N,) each, NaN where it was not applied.
        facts: what else is known of it, such as access, bound and norm of an attack.
        combined: how the conditions of the group make one number: their mean, or the worst of each
            clip.
        changes: how far clips were changed, (N,) each, NaN where it was not applied; see
            `advvid.evaluation.judge.changes`.
        reached: bool (N,): classified as its target; False for clips that were not attacked. None
            where the condition is not targeted, as the next two.
        reached_8bit: bool (N,): the same after rounding to 8 bits.
        reached_h264: bool (N,): the same after H.264, or None.
        units: (N,) clips with the same entry are one unit of intervals, such as a video; None where
            each clip is its own.
    """

    name: str
    group: str
    strength: Strength
    correct: Flags
    correct_8bit: Flags
    correct_h264: Flags | None = None
    loss: Numbers = field(default_factory=lambda: np.zeros(0))
    applied: int = 0
    seconds: float = 0.0
    forwards: float = 0.0
    gradients: float = 0.0
    report: Mapping[str, Numbers] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    combined: Combined = "mean"
    changes: Mapping[str, Numbers] = field(default_factory=dict)
    reached: Flags | None = None
    reached_8bit: Flags | None = None
    reached_h264: Flags | None = None
    units: Units | None = None

    @property
    def attack(self) -> str:
        """The name of an attack."""
        return self.name

    @property
    def eps(self) -> float:
        """The budget of an attack, in its norm."""
        return self.strength.value

    @property
    def accuracy(self) -> Accuracy:
        """Accuracy under the condition."""
        return Accuracy.over(self.correct, self.units)

    @property
    def gradients_per_clip(self) -> float:
        """Backward passes for each clip that the condition was applied to."""
        return self.gradients / max(1, self.applied)

    @property
    def forwards_per_clip(self) -> float:
        """Forward passes for each clip that the condition was applied to."""
        return self.forwards / max(1, self.applied)

    @property
    def fooled(self) -> Flags:
        """Which clips (N,) the condition was applied to and made the model misclassify."""
        applied = ~np.isnan(self.changes["frames"]) if self.changes else ~np.isnan(self.loss)
        return applied & ~self.correct

    def reaches(self, scored: str = "correct") -> Flags:
        """Give which clips (N,) reach their target; scored as a `scorings` of `Results` says.

        Raises:
            InputError: when the condition is not targeted.
        """
        found: Flags | None = getattr(self, scored.replace("correct", "reached"))
        if found is None:
            raise InputError(f"{self.name} was not targeted: evaluate with a target")
        return found

    def change(self, name: str, *, fooled: bool = False) -> float | None:
        """Give a mean of `changes` over all clips that the condition was applied to.

        Args:
            name: "frames", "thickness" or "roughness".
            fooled: only over those that it made the model misclassify.

        Returns:
            The mean, or None where it was not measured or there are no such clips.
        """
        values = self.changes.get(name)
        if values is None:
            return None
        values = values[self.fooled] if fooled else values[~np.isnan(values)]
        return float(values.mean()) if len(values) else None
