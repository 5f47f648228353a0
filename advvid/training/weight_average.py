"""The running average of a model's weights over training."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from advvid.errors import InputError


class WeightAverage:
    """Exponential moving average of weights and batch-norm statistics.

    After update t = 0, 1, ...: average = d average + (1 - d) weights, with
    d = min(decay, (1 + t) / (10 + t)), so that early weights are forgotten soon.

    Args:
        model: whose weights are averaged, on the device where it is trained.
        decay: d after many updates, in (0, 1); 0.999 averages over about 1000 updates.

    Raises:
        InputError: when the decay is out of range.

    Source:
        Polyak and Juditsky 1992; Rebuffi et al. 2021, "Data augmentation can improve robustness",
        for adversarial training; the warmup of d as in TensorFlow.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0 < decay < 1:
            raise InputError(f"the decay of a weight average must be in (0, 1); got {decay!r}")
        self.model, self.decay, self.updates = model, decay, 0
        # A step of 1 - d is lost in the rounding of half precision.
        self.average = {
            name: tensor.to(_wide(tensor), copy=True) for name, tensor in _tensors(model).items()
        }

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights of this moment into the average; whole numbers are copied."""
        d = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        averages: list[Tensor] = []
        values: list[Tensor] = []
        for name, tensor in _tensors(self.model).items():
            average = self.average[name]
            if average.is_floating_point():
                averages.append(average)
                values.append(tensor.to(average))
            else:
                average.copy_(tensor)
        torch._foreach_lerp_(averages, values, 1 - d)

    def state_dict(self) -> dict[str, Any]:
        """Give the average and the number of updates, for `load_state_dict`."""
        return {"updates": self.updates, "average": dict(self.average)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume an average that was saved.

        Raises:
            InputError: when it is of another model.
        """
        saved = state["average"]
        shapes = {name: tensor.shape for name, tensor in self.average.items()}
        if shapes != {name: tensor.shape for name, tensor in saved.items()}:
            raise InputError(
                "the saved weight average is of another model: load the model as the run did"
            )
        for name, tensor in self.average.items():
            tensor.copy_(saved[name])
        self.updates = int(state["updates"])


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """Name the tensors of a state dict, which share their memory with the model's."""
    return {name: value for name, value in model.state_dict().items() if torch.is_tensor(value)}


def _wide(tensor: Tensor) -> torch.dtype:
    """Give the type that a tensor is averaged in."""
    if not tensor.is_floating_point():
        return tensor.dtype
    return torch.promote_types(tensor.dtype, torch.float32)
