"""Where a run computes, how precisely, and on how many processes."""

import os
from typing import TYPE_CHECKING, Any

import torch

from advvid.checks import check_count
from advvid.inference.devices import Precision, resolve_device
from advvid.runs.processes import (
    announce_main,
    by_torchrun,
    check_processes,
    is_helper,
    started,
)

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

    target = check_devices(device, devices=devices, nodes=nodes)
    if by_torchrun():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
    fabric = Fabric(
        accelerator=target.type,
        devices=[target.index] if target.index is not None and devices == 1 else devices,
        num_nodes=nodes,
        strategy="ddp" if devices * nodes > 1 else "auto",
        plugins=[Autocast("bf16-mixed", target.type)] if precision == "bf16" else None,
        precision=None if precision == "bf16" else "32-true",
    )
    if devices > 1 and not is_helper():
        announce_main()
    fabric.launch()
    started()
    return fabric


def check_devices(device: str | torch.device, *, devices: int = 1, nodes: int = 1) -> torch.device:
    """Find out whether processes can be started, before anything else is done; see `launch_fabric`.

    Returns:
        The device, or the first of them.

    Raises:
        InputError: when a device is not there, or a number is not at least 1.
    """
    check_count("devices", devices)
    check_count("nodes", nodes)
    target = resolve_device(device)
    if target.type == "cuda":
        check_processes(devices, nodes, torch.cuda.device_count(), "CUDA devices")
    else:
        # Two can be tried anywhere.
        check_processes(devices, nodes, max(2, os.cpu_count() or 1), "places for processes")
    return target
