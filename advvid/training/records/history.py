"""Numbers of a training run, epoch by epoch."""

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
        catastrophic_overfitting: whether training attacks are mastered while PGD leaves nearly
            nothing of the training clips; None where the two cannot be compared.
        losses: mean of the losses of each optimizer, where there are several.
        step: what the task reports of the epoch, see `Task.report`.
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
    catastrophic_overfitting: bool | None = None
    losses: dict[str, float] = field(default_factory=dict)
    step: dict[str, Any] = field(default_factory=dict)


# Columns that a history may lack altogether.
_OPTIONAL = (
    "val_robust_top1",
    "seen_top1",
    "seen_robust_top1",
    "catastrophic_overfitting",
    "losses",
    "step",
)


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
        """Format the epochs as a JSON list of objects."""
        return json.dumps(self.rows(), indent=2) + "\n"

    def to_csv(self) -> str:
        """Format the epochs as CSV with a header; missing values are left empty.

        What the task reports has columns of its own, lists as JSON; so has each loss, where there
        are several.
        """
        rows = [
            {k: v for k, v in row.items() if k not in ("step", "losses")}
            | {f"loss_{name}": value for name, value in row.get("losses", {}).items()}
            | _flat(row.get("step", {}))
            for row in self.rows()
        ]
        required = [column.name for column in fields(EpochRecord) if column.name not in _OPTIONAL]
        names = dict.fromkeys([*required, *(name for row in rows for name in row)])
        text = io.StringIO()
        writer = csv.DictWriter(text, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()


def _flat(reported: dict[str, Any]) -> dict[str, Any]:
    """Format lists and dicts as JSON, so that each has one cell."""
    return {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in reported.items()}


def epoch_line(record: EpochRecord, epochs: int) -> str:
    """Format one epoch of so many as a line for a terminal."""
    text = f"epoch {record.epoch:{len(str(epochs))}}/{epochs}"
    text += f"  train loss {record.train_loss:.3f} top-1 {record.train_top1:.3f}"
    if record.val_loss is not None and record.val_top1 is not None:
        text += f"  val loss {record.val_loss:.3f} top-1 {record.val_top1:.3f}"
    if record.val_robust_top1 is not None:
        text += f" robust {record.val_robust_top1:.3f}"
    return f"{text}  {record.seconds:.0f} s"
