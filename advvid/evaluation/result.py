"""What an evaluation found, clip by clip: plain data, which tables and figures read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from advvid.data.clip_origin import ClipOrigin, unit_numbers
from advvid.errors import InputError
from advvid.evaluation.accuracy import Accuracy
from advvid.evaluation.condition import Axis, Strength
from advvid.evaluation.condition_result import ConditionResult, Flags, Units
from advvid.figures.words import WORST


@dataclass(frozen=True)
class Alarm:
    """A sign that an evaluation over-reports robustness; see `advvid.evaluation.alarms`.

    Args:
        name: short, for programs.
        message: one line: what was seen, and what to do.
        measured: the numbers.
    """

    name: str
    message: str
    measured: dict[str, Any]


@dataclass(frozen=True)
class Results:
    """Which clips are classified correctly under which condition.

    Args:
        columns: strengths that make columns of tables; on each axis rising.
        positions: int (N,): of the clips in their source.
        labels: int (N,).
        predicted: int (N,): under no condition.
        clean: bool (N,): correct under no condition.
        clean_8bit: bool (N,): the same after rounding to 8 bits.
        clean_h264: bool (N,): the same after H.264, or None.
        results: one for each condition and strength.
        alarms: signs that robustness is over-reported, see `advvid.evaluation.alarms`.
        probes: what was measured for them.
        eot: passes that each prediction and gradient was averaged over.
        frames: of each clip, T; 0 where nobody said.
        origins: video and frames of each clip (N,); empty where each clip is its own.
        about: what was evaluated, for tables, figures and results.json: texts and numbers under
            "model", "weights", "data", "split", "labels", "bad videos", "seed", "command", and
            "warnings", a list of lines that a reader must see before the numbers.
        target: what attacks were to make clips look like, see `Target`; None where any wrong class
            would do. Clips of that class are not among these.
        targets: int (N,): the class that each clip was to look like, or None.
    """

    columns: tuple[Strength, ...]
    positions: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    clean: Flags
    clean_8bit: Flags
    results: tuple[ConditionResult, ...]
    clean_h264: Flags | None = None
    alarms: tuple[Alarm, ...] = ()
    probes: Mapping[str, Any] = field(default_factory=dict)
    eot: int = 1
    frames: int = 0
    origins: tuple[ClipOrigin, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None
    targets: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        # Every result counts the same units, however it was made.
        known = tuple(replace(one, units=self.units) for one in self.results)
        object.__setattr__(self, "results", known)

    @property
    def units(self) -> Units | None:
        """Number of the recording of each clip (N,); None where each clip is its own."""
        return unit_numbers(self.origins) if self.origins else None

    @property
    def videos(self) -> int:
        """Videos, each a recording of its own, of the clips: the units of all intervals."""
        units = self.units
        return len(self.clean) if units is None else len(np.unique(units))

    @property
    def distinct_clips(self) -> int:
        """Clips that differ in their video or their frames."""
        known = {(one.file, one.frames) for one in self.origins if one.frames}
        return len(self.clean) - sum(bool(one.frames) for one in self.origins) + len(known)

    @property
    def sample(self) -> str:
        """How many clips there are, and of how many videos where these are fewer."""
        count, distinct = len(self.clean), self.distinct_clips
        if self.videos == count:
            return str(count)
        repeated = "" if distinct == count else f" ({distinct} distinct)"
        kind = "source video" if any(one.source for one in self.origins) else "video"
        return f"{count} clips{repeated}, {self.videos} {kind}{'s' * (self.videos != 1)}"

    def share(self, correct: npt.ArrayLike) -> Accuracy:
        """Give the share of clips with its interval, of flags or shares of all clips (N,)."""
        return Accuracy.over(correct, self.units)

    @property
    def eps(self) -> tuple[float, ...]:
        """Budgets (E,) of the columns, Linf, fractions of the pixel range."""
        return tuple(one.value for one in self.columns_of("attack"))

    @property
    def attacks(self) -> tuple[str, ...]:
        """Names of the attacks, in order."""
        return tuple(self.rows("attack"))

    @property
    def clean_accuracy(self) -> Accuracy:
        """Accuracy under no condition."""
        return self.share(self.clean)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of conditions, in order."""
        return tuple(dict.fromkeys(result.strength.axis.kind for result in self.results))

    @property
    def scorings(self) -> tuple[str, ...]:
        """Ways in which clips were scored: "correct", "correct_8bit" and perhaps "correct_h264"."""
        ways = ("correct", "correct_8bit", "correct_h264")
        return ways[:2] if self.clean_h264 is None else ways

    def rows(self, kind: str) -> dict[str, list[ConditionResult]]:
        """Give the results of a kind of conditions, such as "attack", by name and in order."""
        found: dict[str, list[ConditionResult]] = {}
        for result in self.results:
            if result.strength.axis.kind == kind:
                found.setdefault(result.name, []).append(result)
        return found

    def groups(self, kind: str) -> dict[str, list[ConditionResult]]:
        """Give the results of a kind by group, each condition at the largest of its strengths."""
        found: dict[str, list[ConditionResult]] = {}
        for members in self.rows(kind).values():
            largest = strongest(members)
            found.setdefault(largest.group, []).append(largest)
        return found

    def columns_of(self, kind: str) -> tuple[Strength, ...]:
        """Strengths that make the columns of a kind."""
        return tuple(one for one in self.columns if one.axis.kind == kind)

    def axis_of(self, kind: str) -> Axis:
        """Axis of the columns of a kind, or of its first result where there are none."""
        strengths = [*self.columns, *(result.strength for result in self.results)]
        return next(one.axis for one in strengths if one.axis.kind == kind)

    def in_column(self, result: ConditionResult) -> bool:
        """Tell whether the strength of a result is that of a column."""
        return any(result.strength.equals(column) for column in self.columns)

    def worst(self, strength: float | Strength | None, *, scored: str = "correct") -> Flags:
        """Tell which clips (N,) are correct under every condition up to a strength.

        A result at a smaller strength is a witness against the robustness at this one, too.

        Args:
            strength: a number is one on the axis of the first column, such as a Linf budget; None
                is under no condition.
            scored: one of `scorings`.

        Raises:
            InputError: for "correct_h264" when that was not asked for.
        """
        clean: Flags | None = getattr(self, scored.replace("correct", "clean"))
        if clean is None:
            raise InputError("H.264 was not scored: evaluate with h264=23")
        remaining = clean.copy()
        most = None if strength is None else self._strength(strength)
        for result in self.results:
            if most is not None and most.covers(result.strength):
                remaining &= getattr(result, scored)
        return remaining

    def reached(self, strength: float | Strength, scored: str = "correct") -> Flags:
        """Tell which clips (N,) any condition up to a strength makes look like their target.

        Args:
            strength: see `worst`.
            scored: one of `scorings`.
        """
        most, found = self._strength(strength), np.zeros(len(self.clean), dtype=bool)
        for result in self.results:
            if result.reached is not None and most.covers(result.strength):
                found |= result.reaches(scored)
        return found

    def targeted_success(self, reached: Flags) -> Accuracy:
        """Give the share with its interval of clips that reach their target.

        It is out of those that were right without attack: others are not attacked.

        Args:
            reached: bool (N,), such as `reached` of a `ConditionResult`.

        Raises:
            InputError: when not one clip was right.
        """
        if not self.clean.any():
            raise InputError("no clip was right without attack, so that none was attacked")
        units = self.units
        return Accuracy.over(reached[self.clean], None if units is None else units[self.clean])

    def result(self, name: str, strength: float) -> ConditionResult:
        """Give the result of one condition at one strength.

        Raises:
            InputError: when it was not evaluated.
        """
        for result in self.results:
            if result.name == name and np.isclose(result.strength.value, strength):
                return result
        names = ", ".join(dict.fromkeys(result.name for result in self.results))
        values = ", ".join(f"{v:g}" for v in sorted({r.strength.value for r in self.results}))
        there = f"{names or 'no conditions'} at {values}"
        raise InputError(f"{name} at {strength:g} was not evaluated; there are {there}")

    def accuracy(self, name: str, strength: float) -> Accuracy:
        """Accuracy under one condition, by its name, or "worst case", and one strength.

        Raises:
            InputError: when the condition or the strength was not evaluated.
        """
        if name == WORST and any(self._strength(strength).equals(one) for one in self.columns):
            return self.share(self.worst(strength))
        return self.result(name, strength).accuracy

    def accuracy_by_frames(self, name: str, strength: float | None = None) -> tuple[Accuracy, ...]:
        """Give accuracy if at most k frames of a clip may be changed, for k from 1 to T.

        A clip counts as fooled at k when the condition fools it and changes no more frames.

        Args:
            name: of a condition that changes pixels, such as an attack.
            strength: such as its budget; None takes the largest.

        Raises:
            InputError: when that was not evaluated.
        """
        named = [one for one in self.results if one.name == name]
        if strength is None and named:
            strength = strongest(named).strength.value
        result = self.result(name, 0.0 if strength is None else strength)
        if "frames" not in result.changes:
            raise InputError(f"{name} changes no pixels: there are no frames to count")
        changed = result.changes["frames"]
        limits = range(1, self.frames + 1)
        return tuple(self.share(self.clean & ~(result.fooled & (changed <= k))) for k in limits)

    def chooses_frames(self, result: ConditionResult) -> bool:
        """Tell whether a condition fools any clip without changing all of its frames."""
        frames = result.changes.get("frames")
        return frames is not None and bool((frames[result.fooled] < self.frames).any())

    def _strength(self, value: float | Strength) -> Strength:
        if isinstance(value, Strength):
            return value
        known = [*self.columns, *(result.strength for result in self.results)]
        if not known:
            raise InputError("nothing was evaluated but accuracy under no condition")
        return Strength(value, known[0].axis)


def strongest(results: Sequence[ConditionResult]) -> ConditionResult:
    """Give the result that is furthest from clean."""
    return max(results, key=lambda result: result.strength.distance)


def group_accuracy(members: Sequence[ConditionResult]) -> Accuracy:
    """Make one accuracy of the conditions of a group: their mean, or the worst of each clip."""
    flags = np.stack([one.correct for one in members])
    worst = any(one.combined == "worst" for one in members)
    return Accuracy.over(flags.all(axis=0) if worst else flags.mean(axis=0), members[0].units)
