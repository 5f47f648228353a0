"""One kind of progress bar for all long work."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

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
        self._task = progress.add_task(description, total=total, numbers="", end=None)

    def __call__(self, done: int) -> None:
        """Advance by so much."""
        self._progress.advance(self._task, done)

    def set(self, completed: int, description: str, numbers: str = "") -> None:
        """Show how much is done in all, of what, and numbers behind the bar."""
        self._progress.update(
            self._task, completed=completed, description=description, numbers=numbers
        )

    def expect(self, seconds: float | None) -> None:
        """Tell how long the rest will take, where that is known better than by counting."""
        end = None if seconds is None else time.monotonic() + seconds
        self._progress.update(self._task, end=end)

    def print(self, line: str) -> None:
        """Leave a line above the bar."""
        if self.shown:
            self._progress.console.print(visible(line), soft_wrap=True)


class Forecast:
    """How long the rest of some work takes that consists of several kinds, learned as it goes.

    Counting alone misleads where cheap kinds come first. A kind that has been measured takes as
    long as before; others are taken from what a unit of cost has taken so far.

    Args:
        left: how much there is to do of each kind, such as clips under an attack.
        costs: expected cost of one, for each kind, in any unit, such as passes of the model.
    """

    def __init__(self, left: Mapping[str, float], costs: Mapping[str, float]) -> None:
        self.left, self.costs = dict(left), dict(costs)
        self._done: dict[str, tuple[float, float]] = {}

    def done(self, kind: str, count: float, seconds: float) -> None:
        """Take down that so much of a kind was done in so many seconds."""
        self.left[kind] -= count
        before, took = self._done.get(kind, (0.0, 0.0))
        self._done[kind] = before + count, took + seconds

    @property
    def remaining(self) -> float | None:
        """Seconds that the rest will take; None before anything was measured."""
        cost = sum(self.costs[kind] * count for kind, (count, _) in self._done.items())
        if cost <= 0:
            return None
        unit = sum(seconds for _, seconds in self._done.values()) / cost
        rates = {kind: took / count for kind, (count, took) in self._done.items() if count > 0}
        return sum(
            max(0.0, left) * rates.get(kind, unit * self.costs[kind])
            for kind, left in self.left.items()
        )


class _Remaining(TimeRemainingColumn):
    """Remaining time: what the bar was told to expect, or else by counting."""

    def render(self, task: Task) -> Text:
        end: float | None = task.fields["end"]
        if end is None or task.finished:
            return super().render(task)
        left = timedelta(seconds=max(0, round(end - time.monotonic())))
        return Text(str(left), style="progress.remaining")


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
        _Remaining(),
        TextColumn("{task.fields[numbers]}", markup=False),
    )
    with Progress(*columns, console=Terminal(stderr=True), disable=not shown) as progress:
        yield Bar(progress, description, total)
