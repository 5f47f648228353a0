"""A hash of everything a result depends on, so that parts of two runs are never mixed."""

import hashlib
from typing import Any

import torch
from torch import Tensor, nn


def fingerprint(model: nn.Module, tensors: list[Tensor], settings: list[Any]) -> str:
    """Hash the weights of a model, tensors and settings."""
    digest = hashlib.sha256(repr(settings).encode())
    for tensor in (*model.state_dict().values(), *tensors):
        digest.update(str((tensor.dtype, tuple(tensor.shape))).encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
