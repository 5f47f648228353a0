"""Forward and backward passes, counted at the model and not by the attack."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from advvid.inference.frozen import logits_of


@contextmanager
def counted(model: nn.Module) -> Iterator[dict[str, int]]:
    """Count clips of all "forwards" and "gradients" of a module while the block runs."""
    count = {"forwards": 0, "gradients": 0}

    def passed(_: nn.Module, __: Any, output: Any) -> None:
        logits = logits_of(output)
        count["forwards"] += len(logits)
        if isinstance(logits, Tensor) and logits.requires_grad:
            logits.register_hook(differentiated)

    def differentiated(gradient: Tensor) -> None:
        count["gradients"] += len(gradient)

    handle = model.register_forward_hook(passed)
    try:
        yield count
    finally:
        handle.remove()
