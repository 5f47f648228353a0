"""Where a run computes, how precisely, and on how many processes."""

import os
from typing import TYPE_CHECKING, Any

import torch

from advvid.checks import check_count
from advvid.errors import InputError
from advvid.inference.devices import Precision, resolve_device

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def launch_fabric(
    device: str | torch.device, *, precision: Precision, devices: int = 1, nodes: int = 1
) -> "Fabric":
    """Start Lightning Fabric, with one process for each device.

    Under torchrun the processes are there already, and their number is taken from it. Otherwise
    the script that is running is started again for every further device.

    Args:
        device: "auto", "cpu", "cuda", or with one device a certain one, "cuda:1".
        precision: "float32" or "bf16".
        devices: processes on this machine.
        nodes: machines.

    Raises:
        InputError: when a device is not there, or a number is not at least 1.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.precision import MixedPrecision

    class Autocast(MixedPrecision):
        """Autocast that leaves the clips alone: bfloat16 cannot hold all 256 pixel values."""

        def convert_input(self, data: Any) -> Any:
            return data

    check_count("devices", devices)
    check_count("nodes", nodes)
    target = resolve_device(device)
    if "TORCHELASTIC_RUN_ID" in os.environ:
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
    if target.type == "cuda" and devices > torch.cuda.device_count():
        raise InputError(
            f"{devices} CUDA devices asked for, {torch.cuda.device_count()} found: ask for fewer"
        )
    fabric = Fabric(
        accelerator=target.type,
        devices=[target.index] if target.index is not None and devices == 1 else devices,
        num_nodes=nodes,
        strategy="ddp" if devices * nodes > 1 else "auto",
        plugins=[Autocast("bf16-mixed", target.type)] if precision == "bf16" else None,
        precision=None if precision == "bf16" else "32-true",
    )
    fabric.launch()
    return fabric
