"""What an evaluation found, clip by clip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from advvid.attacks.core.attack_entry import Access, Norm
from advvid.errors import InputError
from advvid.evaluation.accuracy import Accuracy
from advvid.evaluation.alarms import Alarm
from advvid.figures.words import WORST

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AttackResult:
    """One attack at one budget.

    Args:
        attack: as it was asked for.
        group: kind of attack that it is averaged with.
        eps: budget in its norm.
        norm: that `eps` bounds.
        access: white box, black box or control.
        bound: what the attack bounds, in words.
        correct: bool (N,): classified correctly under attack; False where it was so without.
        correct_8bit: bool (N,): the same after rounding to 8 bits.
        correct_h264: bool (N,): the same after H.264, or None.
        loss: (N,) cross-entropy of the result, NaN where no attack was needed.
        attacked: number of clips that were attacked.
        seconds: that the attack took, over all processes.
        forwards: clips of all forward passes.
        gradients: clips of all backward passes.
        report: numbers that the attack gave, (N,) each, NaN where no attack was needed.
        step: step size of PGD that was set by hand, or None.
    """

    attack: str
    group: str
    eps: float
    norm: Norm
    access: Access
    bound: str
    correct: Flags
    correct_8bit: Flags
    correct_h264: Flags | None = None
    loss: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    attacked: int = 0
    seconds: float = 0.0
    forwards: float = 0.0
    gradients: float = 0.0
    report: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    step: float | None = None

    @property
    def accuracy(self) -> Accuracy:
        """Accuracy under attack."""
        return accuracy_of(self.correct)

    @property
    def gradients_per_clip(self) -> float:
        """Backward passes for each clip that was attacked."""
        return self.gradients / max(1, self.attacked)

    @property
    def forwards_per_clip(self) -> float:
        """Forward passes for each clip that was attacked."""
        return self.forwards / max(1, self.attacked)


@dataclass(frozen=True)
class Evaluation:
    """Which clips stay correctly classified under which attack and budget.

    Args:
        eps: budgets (E,) of the columns, Linf, fractions of the pixel range.
        positions: int (N,): of the clips in their source.
        labels: int (N,).
        predicted: int (N,): without attack.
        clean: bool (N,): correct without attack.
        clean_8bit: bool (N,): the same after rounding to 8 bits.
        clean_h264: bool (N,): the same after H.264, or None.
        results: one for each attack and budget.
        alarms: signs that robustness is over-reported, see `advvid.evaluation.alarms`.
        probes: what was measured for them.
        eot: passes that each prediction and gradient was averaged over.
    """

    eps: tuple[float, ...]
    positions: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    clean: Flags
    clean_8bit: Flags
    results: tuple[AttackResult, ...]
    clean_h264: Flags | None = None
    alarms: tuple[Alarm, ...] = ()
    probes: Mapping[str, Any] = field(default_factory=dict)
    eot: int = 1

    @property
    def attacks(self) -> tuple[str, ...]:
        """Names of the attacks, in order."""
        return tuple(dict.fromkeys(result.attack for result in self.results))

    @property
    def clean_accuracy(self) -> Accuracy:
        """Accuracy without attack."""
        return accuracy_of(self.clean)

    def unattacked(self, scored: str) -> Flags:
        """Tell which clips (N,) are correct without attack, scored as in `worst`.

        Raises:
            InputError: for "correct_h264" when that was not asked for.
        """
        flags: Flags | None = getattr(self, scored.replace("correct", "clean"))
        if flags is None:
            raise InputError("H.264 was not scored: evaluate with h264=23")
        return flags

    def within(self, eps: float) -> list[AttackResult]:
        """Give the results that lie in the Linf ball of a budget, those of smaller ones included.

        Every one is a witness against the robustness at `eps`.
        """
        return [r for r in self.results if r.norm != "L2" and r.eps <= eps * (1 + 1e-9)]

    def worst(self, eps: float, *, scored: str = "correct") -> Flags:
        """Tell which clips (N,) are correct under every attack within a Linf budget.

        Args:
            eps: the budget.
            scored: "correct", "correct_8bit" or "correct_h264".
        """
        stands = self.unattacked(scored).copy()
        for result in self.within(eps):
            stands &= getattr(result, scored)
        return stands

    def result(self, attack: str, eps: float) -> AttackResult:
        """Give the result of one attack at one budget.

        Raises:
            InputError: when it was not evaluated.
        """
        for result in self.results:
            if result.attack == attack and np.isclose(result.eps, eps):
                return result
        raise InputError(
            f"{attack} at eps {eps:g} was not evaluated; there are {', '.join(self.attacks)} "
            f"at {', '.join(f'{e:g}' for e in sorted({r.eps for r in self.results}))}"
        )

    def accuracy(self, attack: str, eps: float) -> Accuracy:
        """Accuracy under one attack, by its name, or "worst case", and one budget.

        Raises:
            InputError: when the attack or the budget was not evaluated.
        """
        if attack == WORST and np.isclose(self.eps, eps).any():
            return accuracy_of(self.worst(eps))
        return self.result(attack, eps).accuracy

    def groups(self) -> dict[str, list[AttackResult]]:
        """Give the results by kind of attack, each attack at the largest of its budgets."""
        found: dict[str, list[AttackResult]] = {}
        for attack in self.attacks:
            largest = max((r for r in self.results if r.attack == attack), key=lambda r: r.eps)
            found.setdefault(largest.group, []).append(largest)
        return found

    def to_markdown(self) -> str:
        """Spell the table of the evaluation, see `advvid.evaluation.tables`."""
        from advvid.evaluation.tables import markdown

        return markdown(self)

    def to_dict(self) -> dict[str, Any]:
        """Give everything, clip by clip, as JSON can hold it; see `advvid.evaluation.tables`."""
        from advvid.evaluation.tables import as_json

        return as_json(self)


def accuracy_of(correct: Flags) -> Accuracy:
    """Count flags."""
    return Accuracy(int(correct.sum()), len(correct))


def mean_accuracy(results: Sequence[AttackResult]) -> Accuracy:
    """Average several attacks on the same clips."""
    share = float(np.mean([r.correct.mean() for r in results]))
    count = len(results[0].correct)
    return Accuracy(share * count, count)
