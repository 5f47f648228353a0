"""What a training run went through, epoch by epoch."""

import csv
import io
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from advvid.data.video.bad_video import BadVideo


@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Args:
        epoch: counted from 1.
        train_loss: mean over the clips of the epoch, while the weights changed.
        train_top1: top-1 accuracy on them, 0 to 1.
        val_loss: mean cross-entropy on the validation clips after the epoch; None without any.
        val_top1: top-1 accuracy on them, 0 to 1.
        lr: learning rate of the last step, without the factor of the head.
        seconds: wall time, validation included.
        val_robust_top1: accuracy under attack on validation clips, see `RobustCheck`.
        seen_top1: accuracy without attack, after the epoch, on a sample of training clips.
        seen_robust_top1: accuracy under the same attack on that sample: what is more than
            `val_robust_top1` is the generalization gap.
        step: what the step told of the epoch, see `ReportingStep`.
    """

    epoch: int
    train_loss: float
    train_top1: float
    val_loss: float | None
    val_top1: float | None
    lr: float
    seconds: float
    val_robust_top1: float | None = None
    seen_top1: float | None = None
    seen_robust_top1: float | None = None
    step: dict[str, Any] = field(default_factory=dict)


# Columns that a history may lack altogether.
_OPTIONAL = ("val_robust_top1", "seen_top1", "seen_robust_top1", "step")


@dataclass
class History:
    """All epochs of a run so far, and the videos that could not be read.

    Args:
        epochs: in order.
        skipped: each once.
        best_epoch: the epoch, counted from 1, whose weights are kept, where they are chosen by
            their score on validation clips; None where the last are kept.
    """

    epochs: list[EpochRecord] = field(default_factory=list)
    skipped: list[BadVideo] = field(default_factory=list)
    best_epoch: int | None = None

    def skip(self, videos: list[BadVideo]) -> None:
        """List videos that could not be read, each once."""
        self.skipped = list(dict.fromkeys([*self.skipped, *videos]))

    def rows(self) -> list[dict[str, Any]]:
        """Give one dict an epoch, with the names of `EpochRecord` that any epoch has."""
        rows = [asdict(record) for record in self.epochs]
        absent = [
            name for name in _OPTIONAL if not any(row[name] not in (None, {}) for row in rows)
        ]
        return [{k: v for k, v in row.items() if k not in absent} for row in rows]

    def to_json(self) -> str:
        """Spell the epochs as a JSON list of objects."""
        return json.dumps(self.rows(), indent=2) + "\n"

    def to_csv(self) -> str:
        """Spell the epochs as CSV with a header; what is missing is left empty.

        What a step told has columns of its own, lists as JSON.
        """
        rows = [
            {k: v for k, v in row.items() if k != "step"} | _flat(row.get("step", {}))
            for row in self.rows()
        ]
        required = [column.name for column in fields(EpochRecord) if column.name not in _OPTIONAL]
        names = dict.fromkeys([*required, *(name for row in rows for name in row)])
        text = io.StringIO()
        writer = csv.DictWriter(text, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()


def _flat(told: dict[str, Any]) -> dict[str, Any]:
    """Spell lists and dicts as JSON, so that each has one cell."""
    return {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in told.items()}
