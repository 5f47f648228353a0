"""What a training run went through, epoch by epoch."""

import csv
import io
import json
from dataclasses import asdict, dataclass, field, fields

from advvid.data.bad_video import BadVideo


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
    """

    epoch: int
    train_loss: float
    train_top1: float
    val_loss: float | None
    val_top1: float | None
    lr: float
    seconds: float


@dataclass
class History:
    """All epochs of a run so far, and the videos that could not be read."""

    epochs: list[EpochRecord] = field(default_factory=list)
    skipped: list[BadVideo] = field(default_factory=list)

    def skip(self, videos: list[BadVideo]) -> None:
        """List videos that could not be read, each once."""
        self.skipped = list(dict.fromkeys([*self.skipped, *videos]))

    def rows(self) -> list[dict[str, float | int | None]]:
        """Give one dict an epoch, with the names of `EpochRecord`."""
        return [asdict(record) for record in self.epochs]

    def to_json(self) -> str:
        """Spell the epochs as a JSON list of objects."""
        return json.dumps(self.rows(), indent=2) + "\n"

    def to_csv(self) -> str:
        """Spell the epochs as CSV with a header; what is missing is left empty."""
        text = io.StringIO()
        names = [column.name for column in fields(EpochRecord)]
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows())
        return text.getvalue()
