"""The last layer of a network: finding it, and giving it another number of classes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from advvid.inference.frozen import frozen, logits_of
from advvid.inference.layouts import to_layout

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


def find_head_by_running(
    network: nn.Module, shapes: Sequence[tuple[int, int]], *, layout: str = "NCTHW"
) -> tuple[str | None, int | None]:
    """Find the layer that gives the logits, and their number K, by running two clips.

    The guess of `find_head` is kept only if the output of the layer is the logits, as they are or
    averaged over positions: in an unknown network, the layer registered last may be another.

    Args:
        network: clips -> logits (B, K); left as it was.
        shapes: (T, H = W) of the clips; the first that the network takes is used.
        layout: of the clips that the network takes.

    Returns:
        path and K; None for what was not found, both when the network takes none of the shapes.
    """
    for frames, size in shapes:
        # Two, for networks that squeeze away a batch of one.
        clips = torch.rand(2, 3, frames, size, size, generator=torch.Generator().manual_seed(0))
        found = _find_on(network, to_layout(clips, layout))
        if found is not None:
            return found
    return None, None


def _find_on(network: nn.Module, clips: Tensor) -> tuple[str | None, int | None] | None:
    """Find path and K on these clips; None when the network does not take them."""
    guess = find_head(network)
    seen: list[Tensor] = []
    handle = None
    if guess is not None:
        layer = network.get_submodule(guess)
        handle = layer.register_forward_hook(lambda _, __, output: seen.append(output))
    try:
        with frozen(network), torch.no_grad():
            answer = network(clips)
    except (Exception, SystemExit):
        # It may take another shape, or only the caller's own clips.
        return None
    finally:
        if handle is not None:
            handle.remove()
    logits = logits_of(answer)
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        return None
    width = int(logits.shape[1])
    if len(seen) != 1 or guess is None or head_width(network, guess) != width:
        return None, width
    positions = seen[0].movedim(1, -1) if seen[0].ndim > 3 else seen[0]
    averaged = positions.reshape(len(clips), -1, width).mean(1)
    same = torch.allclose(averaged, logits, rtol=1e-3, atol=1e-5)
    return (guess if same else None), width


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
