"""One kind of progress bar for all long work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from advvid.escaping import visible
from advvid.runs.terminal import Terminal

Advance = Callable[[int], None]
"""Tells the bar how much more has been done."""


class Bar:
    """A bar that is shown, or not; made by `progress_bar`. Calling it advances it.

    Attributes:
        shown: False where nothing that is told to the bar can be seen.
    """

    def __init__(self, progress: Progress, description: str, total: int) -> None:
        self.shown = not progress.disable
        self._progress = progress
        self._task = progress.add_task(description, total=total, numbers="")

    def __call__(self, done: int) -> None:
        """Advance by so much."""
        self._progress.advance(self._task, done)

    def set(self, completed: int, description: str, numbers: str = "") -> None:
        """Show how much is done in all, of what, and numbers behind the bar."""
        self._progress.update(
            self._task, completed=completed, description=description, numbers=numbers
        )

    def print(self, line: str) -> None:
        """Leave a line above the bar."""
        if self.shown:
            self._progress.console.print(visible(line), soft_wrap=True)


@contextmanager
def progress_bar(description: str, total: int, *, shown: bool = True) -> Iterator[Bar]:
    """Show a bar with counts, elapsed and remaining time on stderr while the block runs.

    Args:
        description: what is being done.
        total: how much there is to do, in the unit that the bar is advanced by.
        shown: False shows nothing; the bar can be used all the same.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[numbers]}", markup=False),
    )
    with Progress(*columns, console=Terminal(stderr=True), disable=not shown) as progress:
        yield Bar(progress, description, total)
