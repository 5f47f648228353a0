"""What an evaluation has to do: attacks times budgets."""

from collections.abc import Sequence
from dataclasses import dataclass

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.core.video_attack import VideoAttack
from advvid.checks import check_budget
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation.suites import Row


@dataclass(frozen=True)
class Cell:
    """One attack at one budget.

    Args:
        row: the attack.
        eps: the budget, in the norm of the attack.
    """

    row: Row
    eps: float

    @property
    def key(self) -> str:
        """Name in records."""
        return f"{self.row.spec.text}@{self.eps:.9g}"

    def build(
        self, classifier: VideoClassifier, *, law: StepSizeLaw, seed: int, batch_size: int
    ) -> VideoAttack:
        """Make the attack; the law gives its step size where the text does not."""
        spec = self.row.spec
        step = {"eps_step": law} if spec.entry.takes_law else {}
        return spec.build(
            classifier, eps=self.eps, seed=seed, batch_size=batch_size, verbose=False, **step
        )


def plan_cells(rows: Sequence[Row], budgets: Sequence[float]) -> list[Cell]:
    """List all cells: a row with a budget of its own gives one, others one for each budget.

    Args:
        rows: the attacks.
        budgets: Linf, fractions of the pixel range.

    Raises:
        InputError: when the budgets mean nothing to an attack, because it bounds another norm.
    """
    cells = []
    for row in rows:
        own = row.spec.eps
        if own is None and row.spec.entry.norm == "L2":
            raise InputError(
                f"{row.spec.text} bounds the L2 norm, the budgets are of the Linf norm: give it "
                f"its own, such as {row.spec.name}:eps=2"
            )
        if own is not None and row.spec.entry.norm == "Linf":
            check_budget(own)
        cells += [Cell(row, eps) for eps in ((own,) if own is not None else budgets)]
    return cells
