"""Channels-last memory layout, in which tensor cores need no transposition."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


@contextmanager
def channels_last(model: nn.Module) -> Iterator[None]:
    """Lay filters out channels last, and back as they were on the way out.

    Shapes, values, parameters as objects and the keys of the state dict do not change, so an
    optimizer keeps its state; DDP copies the layout when it is set up, so enter this first.

    Args:
        model: see `channels_last_`.
    """
    layouts = {name: tensor.stride() for name, tensor in _filters(model)}
    try:
        channels_last_(model)
        yield
    finally:
        for name, tensor in _filters(model):
            if tensor.stride() != layouts.get(name, tensor.stride()):
                # Filters of size 1 count as contiguous in both layouts, so `contiguous` may not do.
                laid_out = torch.empty_strided(
                    tensor.shape, layouts[name], dtype=tensor.dtype, device=tensor.device
                )
                tensor.data = laid_out.copy_(tensor.data)


def channels_last_(model: nn.Module) -> None:
    """Lay the filters of a model out channels last, in place.

    Args:
        model: its parameters and buffers (O, I, T, H, W) and (O, I, H, W) are laid out anew, all
            others left alone.

    Source:
        PyTorch tutorial "Channels Last Memory Format".
    """
    for _, tensor in _filters(model):
        tensor.data = tensor.data.to(memory_format=_FORMATS[tensor.dim()])


def clips_channels_last(clips: Tensor) -> Tensor:
    """Lay clips out channels last; clips that are so already are returned as they are.

    Args:
        clips: (B, C, T, H, W), or frames (B, C, H, W).
    """
    return clips.to(memory_format=_FORMATS[clips.dim()])


def _filters(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """List the parameters and buffers that have channels and at least two more dimensions."""
    for name, tensor in chain(model.named_parameters(), model.named_buffers()):
        if tensor.dim() in _FORMATS:
            yield name, tensor
