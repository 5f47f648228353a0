"""The last layer of a network: finding it, and giving it another number of classes."""

from typing import Any

from torch import nn

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def find_head(network: nn.Module) -> str | None:
    """Guess the layer that gives the logits: the last linear or pointwise layer inside a network.

    Returns:
        its path, None when there is no such layer.
    """
    found = None
    for path, module in network.named_modules():
        pointwise = isinstance(module, _CONVOLUTIONS) and set(module.kernel_size) == {1}
        if path and (isinstance(module, nn.Linear) or pointwise):
            found = path
    return found


def head_width(network: nn.Module, path: str) -> int:
    """Count the outputs of the linear layer or convolution at `path`."""
    weight = network.get_submodule(path).get_parameter("weight")
    return int(weight.shape[0])


def replace_head(network: nn.Module, path: str, num_classes: int) -> tuple[str, ...]:
    """Give the layer at `path` another number of outputs, freshly initialized.

    Weights start normal with standard deviation 0.01 and biases at zero, so that fine-tuning
    starts near the loss log K.

    Args:
        network: changed in place, nothing but this layer.
        path: of a linear layer or convolution.
        num_classes: K.

    Returns:
        names of the tensors that are new.
    """
    parent, _, name = path.rpartition(".")
    old: Any = network.get_submodule(path)
    bias = old.bias is not None
    fresh: Any
    if isinstance(old, nn.Linear):
        fresh = nn.Linear(old.in_features, num_classes, bias=bias)
    else:
        kind = next(kind for kind in _CONVOLUTIONS if isinstance(old, kind))
        fresh = kind(old.in_channels, num_classes, old.kernel_size, bias=bias)
    nn.init.normal_(fresh.weight, std=0.01)
    if bias:
        nn.init.zeros_(fresh.bias)
    fresh.to(old.weight.device, old.weight.dtype).train(old.training)
    setattr(network.get_submodule(parent), name, fresh)
    if "num_classes" in vars(network):
        vars(network)["num_classes"] = num_classes
    return tuple(f"{path}.{tensor}" for tensor, _ in fresh.named_parameters())
