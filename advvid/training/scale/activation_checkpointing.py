"""Recompute activations in the backward pass instead of keeping them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from advvid.errors import InputError
from advvid.training.mode import normalizations


@contextmanager
def checkpointed(model: nn.Module) -> Iterator[None]:
    """Keep only what goes into each block, and compute the rest again for the backward pass.

    Costs about one more forward pass; outputs, gradients and batch-norm statistics stay the same.
    A pass without gradients costs nothing more. The backward pass belongs inside.

    Args:
        model: with residual or transformer blocks in an `nn.Sequential` or `nn.ModuleList`.

    Raises:
        InputError: when the model has no such block.

    Source:
        Chen et al. 2016, "Training deep nets with sublinear memory cost".
    """
    found = blocks(model)
    if not found:
        raise InputError(
            f"{type(model).__name__} has no blocks whose activations could be recomputed: put its "
            "blocks into an nn.Sequential, or train without activation checkpointing"
        )
    for block in found:
        # Partials of methods, unlike closures, follow a deepcopy to the blocks of the copy.
        vars(block)["forward"] = partial(_forward, block, block.forward)
    try:
        yield
    finally:
        for block in found:
            del vars(block)["forward"]


def blocks(model: nn.Module) -> list[nn.Module]:
    """List the outermost modules with children of their own in sequences and lists.

    A sequence of sequences (the stages of a network) is opened, and so is a block that holds more
    than half of the model's modules, as in `nn.Sequential(normalize, network)`.

    Args:
        model: any.
    """
    return list(dict.fromkeys(_blocks_below(model, most=_size(model) / 2)))


def _blocks_below(parent: nn.Module, most: float) -> Iterator[nn.Module]:
    """Find the blocks of at most so many modules, or larger ones that hold no other."""
    sequence = isinstance(parent, nn.Sequential | nn.ModuleList)
    for child in parent.children():
        candidate = sequence and any(True for _ in child.children())
        container = isinstance(child, nn.Sequential | nn.ModuleList)
        if candidate and not container and _size(child) <= most:
            yield child
            continue
        below = list(_blocks_below(child, most))
        # What cannot be called by itself cannot be recomputed either.
        if candidate and not below and not isinstance(child, nn.ModuleList | nn.ModuleDict):
            below = [child]
        yield from below


def _size(module: nn.Module) -> int:
    return sum(1 for _ in module.modules())


def _forward(block: nn.Module, own_forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Do what the block does, and keep its activations only where there is no backward pass."""
    given = (value for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
    if not torch.is_grad_enabled() or not any(
        tensor.requires_grad for tensor in chain(given, block.parameters())
    ):
        return own_forward(*args, **kwargs)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _Again(block)

    return checkpoint(own_forward, *args, use_reentrant=False, context_fn=contexts, **kwargs)


class _Again(AbstractContextManager[None]):
    """A block as it was in its first pass, whose batch-norm statistics do not move once more."""

    def __init__(self, block: nn.Module) -> None:
        self.norms = normalizations(block)
        self.modes = [(module, module.training) for module in block.modules()]

    # A graph that is retained is recomputed for each backward pass, so this is entered again.
    def __enter__(self) -> None:
        self.modes_now = [(module, module.training) for module, _ in self.modes]
        for module, mode in self.modes:
            module.training = mode
        # Copies, as batch normalization keeps its statistics for the backward pass, moved or not.
        moving = [norm for norm in self.norms if norm.training]
        self.statistics = [(norm, dict(norm.named_buffers(recurse=False))) for norm in moving]
        for norm, statistics in self.statistics:
            for name, tensor in statistics.items():
                setattr(norm, name, tensor.clone())

    def __exit__(self, *error: object) -> None:
        for norm, statistics in self.statistics:
            for name, tensor in statistics.items():
                setattr(norm, name, tensor)
        for module, mode in self.modes_now:
            module.training = mode
