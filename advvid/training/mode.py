"""A model that is borrowed for training: its mode, its batch normalization, its random numbers."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from advvid.training.settings import BatchNorm

_KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
BatchNormModule = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm


@contextmanager
def borrowed(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Restore modes, momenta and device of the model, and the random state."""
    modes = [(module, module.training) for module in model.modules()]
    momenta = [(norm, norm.momentum) for norm in normalizations(model)]
    home = next((parameter.device for parameter in model.parameters()), device)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            for norm, momentum in momenta:
                norm.momentum = momentum
            for parameter in model.parameters():
                parameter.grad = None
            model.to(home)


def seed_step(seed: int, device: torch.device) -> None:
    """Seed the global generators that a model on this device draws from (dropout), and no other."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        torch.cuda.default_generators[index].manual_seed(seed)


def set_training(model: nn.Module, batch_norm: BatchNorm, bn_momentum: float | None) -> None:
    """Put a model into training mode, its batch normalization into the one that is asked for."""
    model.train()
    for norm in normalizations(model):
        norm.train(batch_norm == "train")
        if bn_momentum is not None:
            norm.momentum = bn_momentum


def normalizations(model: nn.Module) -> list[BatchNormModule]:
    """List the batch-norm layers of a model."""
    return [module for module in model.modules() if isinstance(module, _KINDS)]
