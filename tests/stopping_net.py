"""A model that stops the process that runs it, as Ctrl-C does, when it is told to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.training.stand_ins import TinyNet

_hooks: list[Callable[[], bool]] = []
calls = [0]


class StoppingNet(TinyNet):
    """Counts its forward passes, and ends the run in the first one at which it is time."""

    def forward(self, clips: Any) -> Any:
        if any(due() for due in _hooks):
            raise KeyboardInterrupt
        calls[0] += 1
        return super().forward(clips)


@contextmanager
def stopped_when(due: Callable[[], bool]) -> Iterator[None]:
    """Let every model of this kind stop the run as soon as something is the case."""
    _hooks.append(due)
    try:
        yield
    finally:
        _hooks.remove(due)
