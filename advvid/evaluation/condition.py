"""What an evaluation consists of: clips times conditions.

A condition is something that happens to clips before they are classified, at a strength: an attack
with a budget, a corruption of some severity, a way of sampling a video. To add one, write a
subclass with a name, a strength and `apply`, and pass it to `advvid.evaluate(conditions=[...])`;
docs/architecture.md has one. Resuming, sharing among processes, intervals, worst case, tables,
files and figures come with it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from advvid.data.clip_source import ClipSource
from advvid.data.loader import ClipBatch
from advvid.estimator.video_classifier import VideoClassifier

TOLERANCE = 1e-6
"""How far beyond its bound or the pixel range an outcome may lie before it counts as a defect."""


Combined = Literal["mean", "worst"]
"""How several conditions make one number: their mean, or the worst of each clip."""


@dataclass(frozen=True)
class Axis:
    """What the strengths of some conditions measure.

    Args:
        name: short, such as "eps"; heads the columns of a table.
        unit: that strengths are printed in, such as "1/255"; "" where there is none.
        kind: of the conditions on it, such as "attack"; those of one kind share a table.
        clean: strength at which nothing happens. None where the conditions are alternatives, none
            of them worse than another: then there is no worst case.
        scale: a strength times this is in `unit`.
    """

    name: str
    unit: str
    kind: str
    clean: float | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class Strength:
    """A point on an axis, such as 8 / 255."""

    value: float
    axis: Axis

    @property
    def printed(self) -> float:
        """The value in the unit of the axis."""
        return self.value * self.axis.scale

    @property
    def distance(self) -> float:
        """How far from clean."""
        return abs(self.value - (self.axis.clean or 0.0))

    def equals(self, other: "Strength") -> bool:
        """Tell whether both are the same but for rounding."""
        close = abs(self.value - other.value) <= 1e-8 + 1e-5 * abs(other.value)
        return self.axis == other.axis and close

    def covers(self, other: "Strength") -> bool:
        """Tell whether `other` is on the same axis and no further from clean."""
        return self.axis == other.axis and other.distance <= self.distance * (1 + 1e-9)

    def __str__(self) -> str:
        """Such as "eps 8/255"."""
        unit = self.axis.unit
        behind = unit[1:] if unit.startswith("1/") else f" ({unit})" if unit else ""
        return f"{self.axis.name} {self.printed:.3g}{behind}"


class Outcome(NamedTuple):
    """What a condition makes of a batch."""

    clips: Tensor
    """(B * views, 3, T, H, W) in [0, 1]; the views of a clip are neighbors."""
    report: Mapping[str, Tensor] = {}
    """What there is to tell of each clip; tensors whose first axis is that of the clips."""


class Setup(NamedTuple):
    """What a condition may ask for before the evaluation begins; the seed is of all randomness."""

    classifier: VideoClassifier
    source: ClipSource
    batch_size: int = 32
    seed: int = 0


class Condition(ABC):
    """Something that happens to clips before they are classified, at a strength.

    Attributes:
        name: of its row in tables; conditions that differ in their strength alone share it.
        group: rows of a group make one row of the table of groups.
        combined: how they make one number; "worst" where an attacker would run all of them.
        strength: where on its axis.
        only_correct: clips that are misclassified already are not worth the work: they count as
            misclassified.
        passes: of the model that it is expected to take for a clip, a gradient counted as three;
            they tell how long an evaluation will take.
        views: clips that it gives for each clip; their softmax scores are averaged.
        targeted: for labels, its batches hold the classes that clips are to look like.
        rounding: Linf distance from the clean clip that rounding to 8 bits must keep, or None.
        facts: what results.json and results.csv say of it besides name and strength.
        settings: all that it depends on, as JSON can hold it, for config.json.
    """

    name: str
    group: str
    strength: Strength
    combined: Combined = "mean"
    only_correct: bool = False
    passes: float = 0.0
    views: int = 1
    targeted: bool = False
    rounding: float | None = None
    facts: Mapping[str, Any] = {}
    settings: Mapping[str, Any] = {}

    @property
    def key(self) -> str:
        """Name in records; no two conditions of an evaluation share it."""
        return f"{self.strength.axis.kind} {self.name}@{self.strength.value:.9g}"

    @property
    def work(self) -> str:
        """Conditions with the same work have the same outcome before `check`: it is done once."""
        return self.key

    @property
    def caption(self) -> str:
        """Name and strength, for the reader of a picture."""
        return f"{self.name}, {self.strength}"

    def plan(self, setup: Setup) -> Sequence["Condition"]:
        """List what is evaluated: this condition, unless it stands for several or needs the setup.

        Raises:
            InputError: when the condition cannot be evaluated; nothing has been done by then.
        """
        del setup
        return [self]

    def adapted(self, probes: Mapping[str, Any]) -> "Condition | None":
        """Give what is evaluated in the place of this once the model is probed; None leaves it out.

        Args:
            probes: see `advvid.evaluation.alarms.measure_probes`; the same in every process.
        """
        del probes
        return self

    @abstractmethod
    def apply(self, batch: ClipBatch, seeds: Tensor) -> Outcome:
        """Let the condition happen.

        Args:
            batch: clips (B, 3, T, H, W) in [0, 1] and labels int64 (B,), which stay as they are.
            seeds: int64 (B,), a random stream for each clip.
        """

    def check(self, batch: ClipBatch, outcome: Outcome) -> Tensor:
        """Verify an outcome, and give its clips without what rounding added.

        Raises:
            RuntimeError: for a defect of the condition.
        """
        shape = (len(batch.clips) * self.views, *batch.clips.shape[1:])
        return checked_pixels(self.name, outcome.clips, shape).clamp(0, 1)


def checked_pixels(name: str, clips: Tensor, shape: Sequence[int]) -> Tensor:
    """Return clips that have the right shape and finite pixels in [0, 1].

    Raises:
        RuntimeError: naming the condition that made others.
    """
    if clips.shape != tuple(shape) or not bool(torch.isfinite(clips).all()):
        raise RuntimeError(f"{name} gave clips of another shape, or with NaN")
    low, high = (float(v) for v in torch.aminmax(clips))
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        raise RuntimeError(f"{name} left the pixel range: pixels from {low:g} to {high:g}")
    return clips
