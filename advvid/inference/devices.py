"""Where a model runs."""

from typing import Literal

import torch

from advvid.errors import InputError, shown

Precision = Literal["float32", "bf16"]
"""Of forward passes; bf16 is autocast."""


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """Turn "auto" (CUDA when there is one) or a name into a device of this machine.

    Raises:
        InputError: when the name is not a device, or the device is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"unknown device {shown(device)}; use auto, cpu, cuda or cuda:1"
        ) from error
    if resolved.type == "cpu":
        if resolved.index:
            raise InputError(f"device {resolved} is not there: there is one CPU, use cpu")
        # "cpu:0" is the same, but is not equal to it.
        return torch.device("cpu")
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"device {device} is not there ({torch.cuda.device_count()} CUDA devices found): use "
            "auto or cpu"
        )
    try:
        torch.empty(1, device=resolved).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"device {device} is not there: use auto or cpu") from error
    return resolved
