"""Run somebody's model and leave it as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

Model = Callable[[Tensor], Tensor]
"""Anything that maps clips (B, 3, T, H, W) to logits (B, K); most often an `nn.Module`."""


def logits_of(answer: Any) -> Any:
    """Give the logits of an answer: models of transformers answer with an object that has them."""
    return getattr(answer, "logits", answer)


@contextmanager
def frozen(model: Model, *, training: bool = False) -> Iterator[None]:
    """Switch a model to one mode with constant parameters, and restore everything on exit.

    Inside, no parameter requires a gradient (a backward pass to the input then skips the weight
    gradients and keeps fewer activations). On exit the mode of every module, `requires_grad` of
    every parameter and every buffer (batch-norm statistics) are what they were.

    Args:
        model: a module, or any callable (which is left alone).
        training: the mode inside; False is evaluation mode.
    """
    if not isinstance(model, nn.Module):
        yield
        return
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    # Only a pass in training mode moves batch-norm statistics, so only then are copies needed.
    buffers = [(b, b.detach().clone()) for b in model.buffers()] if training else []
    # cuDNN refuses the backward pass of a recurrent layer in evaluation mode.
    recurrent = not training and any(isinstance(m, nn.RNNBase) for m in model.modules())
    try:
        for parameter in trainable:
            parameter.requires_grad_(False)
        without_cudnn = torch.backends.cudnn.flags(enabled=False) if recurrent else nullcontext()
        with in_mode(model, training=training), without_cudnn:
            yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
        with torch.no_grad():
            for buffer, kept in buffers:
                buffer.copy_(kept)


@contextmanager
def in_mode(model: nn.Module, *, training: bool) -> Iterator[None]:
    """Switch a module to one mode, and restore the mode of each submodule on exit."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.train(training)
        yield
    finally:
        for module, mode in modes:
            module.training = mode
