"""Forward and backward passes, counted at the model and not by the attack."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass
class CallCount:
    """Clips of all forward and all backward passes of a model."""

    forwards: int = 0
    gradients: int = 0


@contextmanager
def counted(model: nn.Module) -> Iterator[CallCount]:
    """Count forward and backward passes of a module while the block runs, clip by clip."""
    count = CallCount()

    def passed(_: nn.Module, __: Any, output: Any) -> None:
        logits = getattr(output, "logits", output)
        count.forwards += len(logits)
        if isinstance(logits, Tensor) and logits.requires_grad:
            logits.register_hook(differentiated)

    def differentiated(gradient: Tensor) -> None:
        count.gradients += len(gradient)

    handle = model.register_forward_hook(passed)
    try:
        yield count
    finally:
        handle.remove()
