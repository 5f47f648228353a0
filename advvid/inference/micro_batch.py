"""Batches cut into micro-batches that fit into memory."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Pixels of input a micro-batch may hold. Activations take a few dozen times as much. A CPU gains
# nothing from more than fills its caches; a GPU needs more to be busy and can be halved on demand.
_PIXELS = {"cpu": 2**20, "cuda": 2**25}


def default_micro_batch(clip_shape: Sequence[int], device: torch.device) -> int:
    """Choose how many clips of this shape a model is first run on at once."""
    return max(1, _PIXELS.get(device.type, 2**22) // math.prod(clip_shape))


class MicroBatcher:
    """Runs a function over micro-batches, and halves them when memory runs out.

    Args:
        size: clips in a micro-batch at first; at least 1.
    """

    def __init__(self, size: int) -> None:
        self.size = max(1, size)

    def run(
        self, function: Callable[..., tuple[Tensor, ...]], *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        """Apply `function` to slices of the tensors along the batch axis, and join its results.

        Args:
            function: takes as many tensors as are given, returns tensors with the same batch.
            tensors: all with the same first axis.

        Returns:
            The results of `function`, each concatenated along the batch axis.

        Raises:
            torch.OutOfMemoryError: when even one clip does not fit.
        """
        results: list[tuple[Tensor, ...]] = []
        start, count = 0, len(tensors[0])
        while start < count:
            stop = min(start + self.size, count)
            try:
                results.append(function(*(t[start:stop] for t in tensors)))
                start = stop
                continue
            except torch.OutOfMemoryError:
                if stop - start == 1:
                    raise
            # Outside of the handler, which keeps the activations of the failed pass alive.
            self.size = (stop - start) // 2
            torch.cuda.empty_cache()
        if len(results) == 1:
            return results[0]
        return tuple(torch.cat(parts) for parts in zip(*results, strict=True))
