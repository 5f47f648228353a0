"""One command on several devices: processes, and the one folder that they share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from advvid.errors import InputError
from advvid.runs.fabric import launch_fabric
from advvid.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def launch(device: str, devices: int) -> "Fabric":
    """Start the processes of a command, one for each device.

    Args:
        device: "auto", "cpu", "cuda", "cuda:1".
        devices: how many.

    Raises:
        InputError: when they are not there.
    """
    fabric = launch_fabric(device, precision="float32", devices=devices)
    if fabric.world_size > 1 and fabric.device.type == "cpu":
        # Each process would otherwise take every core, and wait for the others' threads.
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // devices))
    return fabric


def is_first_process() -> bool:
    """Tell whether this process is the one that writes and prints."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def open_folder(
    fabric: "Fabric", path: Path | None, command: str, settings: dict[str, Any], *, resume: bool
) -> RunFolder:
    """Make the folder of a run, or find the one to resume, once for all processes.

    Raises:
        InputError: when the first process cannot use the folder; the others exit silently.
    """
    folder: RunFolder | None = None
    problem: InputError | None = None
    if fabric.is_global_zero:
        try:
            folder = RunFolder(path, command, settings, resume=resume)
        except InputError as error:
            problem = error
    shared: tuple[RunFolder | None, InputError | None] = fabric.broadcast((folder, problem))
    folder, problem = shared
    if problem is not None:
        if fabric.is_global_zero:
            raise problem
        raise SystemExit(2)
    assert folder is not None
    return folder
