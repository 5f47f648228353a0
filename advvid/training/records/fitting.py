"""Whether what a checkpoint holds can be what a run has saved: a file may have been changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from advvid.runs.stored import StoredError, restored
from advvid.training.records.checkpoints import Checkpoint


@dataclass
class _Best:
    epoch: int
    score: list[float]
    model: dict[str, Tensor]


@dataclass
class _Average:
    updates: int
    average: dict[str, Tensor]


@dataclass
class _Optimizer:
    state: dict[int, dict[str, Any]]
    param_groups: list[dict[str, Any]]


def check_fitting(
    checkpoint: Checkpoint,
    *,
    exported: nn.Module,
    optimizers: Mapping[str, torch.optim.Optimizer],
    averaged: bool,
) -> None:
    """Refuse numbers that no run has, and tensors that are not those of this one.

    Args:
        checkpoint: of the types that its fields have.
        exported: what is measured and saved.
        optimizers: of the run, by their networks.
        averaged: whether the run keeps an average of the weights.

    Raises:
        StoredError: naming what cannot be.
        LookupError: when an optimizer is not there.
    """
    epoch, shape = checkpoint.epoch, tuple(checkpoint.tally.shape)
    listed = len(optimizers) if len(optimizers) > 1 else 0
    if epoch < 0 or checkpoint.iteration < 0 or len(checkpoint.history) != epoch:
        raise StoredError(f"{len(checkpoint.history)} epochs of history for epoch {epoch}")
    if shape != (1 + listed, 3) or checkpoint.tally.dtype != torch.float64:
        raise StoredError(f"a tally {shape} of {checkpoint.tally.dtype}")
    if checkpoint.best is not None:
        best = restored(_Best, checkpoint.best)
        if not 1 <= best.epoch <= epoch:
            raise StoredError(f"best epoch {best.epoch} of {epoch}")
        _check_same_shapes(best.model, exported.state_dict())
    if (checkpoint.ema is not None) != averaged:
        raise StoredError("an average of the weights that is there for one of both only")
    if checkpoint.ema is not None:
        restored(_Average, checkpoint.ema)
    for name, optimizer in optimizers.items():
        _check_optimizer(optimizer, restored(_Optimizer, checkpoint.optimizers[name]))


def _check_same_shapes(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    shapes = ({k: getattr(v, "shape", None) for k, v in one.items()} for one in (found, wanted))
    if next(shapes) != next(shapes):
        raise StoredError("the best weights of another model")


def _check_optimizer(optimizer: torch.optim.Optimizer, saved: _Optimizer) -> None:
    """Check what `load_state_dict` takes without a look, and a step then stumbles over."""
    own = optimizer.state_dict()["param_groups"]
    if [set(group) for group in saved.param_groups] != [set(group) for group in own]:
        raise StoredError("the groups of an optimizer have other settings")
    for group, mine in zip(saved.param_groups, own, strict=True):
        for key, value in group.items():
            if not isinstance(
                value, int | float if isinstance(mine[key], float) else type(mine[key])
            ):
                raise StoredError(f"{key} of an optimizer is {type(value).__name__}")
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    numbers = [number for group in saved.param_groups for number in group["params"]]
    shapes = dict(zip(numbers, (p.shape for p in parameters), strict=False))
    for number, state in saved.state.items():
        for key, value in state.items():
            fits = not isinstance(value, Tensor) or value.shape in ((), shapes.get(number))
            if not fits or not isinstance(value, Tensor | int | float | None):
                raise StoredError(
                    f"another model: {key} of an optimizer does not fit its parameter"
                )
