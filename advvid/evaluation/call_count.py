"""Forward and backward passes, counted at the model and not by the attack."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass
class CallCount:
    """Clips that went through a model.

    Args:
        forwards: clips of all forward passes, those of the gradients included.
        gradients: clips of all backward passes.
    """

    forwards: int = 0
    gradients: int = 0


@contextmanager
def counted(model: nn.Module) -> Iterator[CallCount]:
    """Count forward and backward passes of a module while the block runs, clip by clip."""
    count = CallCount()

    def passed(_: nn.Module, __: Any, output: Any) -> None:
        logits = getattr(output, "logits", output)
        clips = len(logits)
        count.forwards += clips
        if isinstance(logits, Tensor) and logits.requires_grad:

            def differentiated(_: Tensor) -> None:
                count.gradients += clips

            logits.register_hook(differentiated)

    handle = model.register_forward_hook(passed)
    try:
        yield count
    finally:
        handle.remove()
