"""What a user sees while a model trains."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING

from advvid.training.history import EpochRecord

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class TrainingProgress(AbstractContextManager["TrainingProgress"]):
    """A bar over all steps with the time left, and one line for every epoch; or nothing at all.

    Args:
        total: steps of the whole run.
        epochs: epochs of the whole run.
        shown: False prints nothing.
    """

    def __init__(self, *, total: int, epochs: int, shown: bool) -> None:
        self.total, self.epochs, self.shown = total, epochs, shown
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> "TrainingProgress":
        if self.shown:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[numbers]}"),
                console=Console(stderr=True),
                expand=True,
            )
            self._task = self._progress.add_task("training", total=self.total, numbers="")
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def step(self, iteration: int, epoch: int, loss: float, top1: float) -> None:
        """Show how far the run is, with mean loss and top-1 of the epoch so far."""
        if self._progress is not None and self._task is not None:
            self._progress.update(
                self._task,
                completed=iteration,
                description=f"epoch {epoch + 1}/{self.epochs}",
                numbers=f"loss {loss:.3f} top-1 {top1:.3f}",
            )

    def epoch(self, record: EpochRecord) -> None:
        """Leave one line for a complete epoch."""
        if self._progress is not None:
            width = len(str(self.epochs))
            text = f"epoch {record.epoch:{width}}/{self.epochs}"
            text += f"  train loss {record.train_loss:.3f} top-1 {record.train_top1:.3f}"
            if record.val_loss is not None and record.val_top1 is not None:
                text += f"  val loss {record.val_loss:.3f} top-1 {record.val_top1:.3f}"
            if record.val_robust_top1 is not None:
                text += f" robust {record.val_robust_top1:.3f}"
            self._progress.console.print(
                f"{text}  {record.seconds:.0f} s", highlight=False, soft_wrap=True
            )
