"""Batch normalization by the batches of all processes, on a CPU too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from advvid.training.mode import normalizations

# Not a ContextVar: on a GPU the backward pass, which may recompute, runs in a thread of its own.
_local_depth = 0


@contextmanager
def synchronized(model: nn.Module) -> Iterator[None]:
    """Normalize by the statistics of all processes, as one process with the whole batch would.

    Holds for batch-norm layers in training mode: output, gradients and running statistics are
    those of the whole batch, whatever the shares. Every process has to make the same passes, with
    at least one clip. With one process, or in evaluation mode, nothing changes. The module tree
    and the state dict stay as they are, and a copy of the model is synchronized as well.

    Args:
        model: its batch-norm layers, (B, C, ...) -> (B, C, ...), may be of any subclass.

    Source:
        Peng et al. 2018, "MegDet"; variances of parts joined as in Chan et al. 1979.
    """
    norms = [norm for norm in normalizations(model) if not isinstance(norm, nn.SyncBatchNorm)]
    for norm in norms:
        # Partials of methods, unlike closures, follow a deepcopy to the layers of the copy.
        vars(norm)["forward"] = partial(_forward, norm, norm.forward)
    try:
        yield
    finally:
        for norm in norms:
            del vars(norm)["forward"]


@contextmanager
def local_batch_norm() -> Iterator[None]:
    """Let synchronized layers use the batch of their own process, and not communicate.

    For passes whose number differs between processes, which would wait for each other forever.
    The backward pass belongs inside as well, as it may recompute the layers.
    """
    global _local_depth
    _local_depth += 1
    try:
        yield
    finally:
        _local_depth -= 1


def _forward(norm: nn.Module, own_forward: Callable[..., Tensor], features: Tensor) -> Tensor:
    """Do what the layer does, with statistics of all processes where they are asked for."""
    several = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
    if not norm.training or _local_depth > 0 or not several:
        return own_forward(features)
    with _OverProcesses():
        return own_forward(features)


class _OverProcesses(TorchFunctionMode):
    """Replaces `F.batch_norm` alone: layers of timm have an activation in the same forward."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is F.batch_norm:
            func = _whole_batch_norm
        return func(*args, **(kwargs or {}))


def _whole_batch_norm(
    features: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Compute `F.batch_norm` over (B, C, ...) of all processes, in float32 or wider."""
    if not training:
        return F.batch_norm(features, running_mean, running_var, weight, bias, False, momentum, eps)
    x = features.to(torch.promote_types(features.dtype, torch.float32))
    # Mean and variance of the share keep only x for the backward pass, and squares stay small.
    share_var, share_mean = torch.var_mean(x, [0, *range(2, x.dim())], correction=0)
    n = x.numel() // x.shape[1]
    sums: Tensor = _Sum.apply(torch.cat([n * share_mean, share_mean.new_full((1,), n)]))
    count = sums[-1]
    mean = sums[:-1] / count
    squares: Tensor = _Sum.apply(n * (share_var + (share_mean - mean).square()))
    with torch.no_grad():
        if running_mean is not None:
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
        if running_var is not None:
            running_var.lerp_((squares / (count - 1)).to(running_var.dtype), momentum)
    scale = (squares / count + eps).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    shape = (1, -1, *(1,) * (x.dim() - 2))
    return torch.addcmul(shift.view(shape), x, scale.view(shape)).to(features.dtype)


class _Sum(torch.autograd.Function):
    """Sum over processes; the gradient is a sum over processes as well, to any order."""

    @staticmethod
    def forward(_ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_ctx: Any, *grads: Tensor) -> Tensor:
        total: Tensor = _Sum.apply(grads[0])
        return total
