"""The processes of one command: who prints, and what the others do when the first is gone."""

import os
import sys
import threading
import time
from typing import NoReturn

from advvid.errors import InputError

_MAIN = "ADVVID_MAIN_PROCESS"
_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
# Schedulers that Lightning knows, and an address that was set by hand.
_OTHER_LAUNCHERS = ("SLURM_NTASKS", "LSB_JOBID", "OMPI_COMM_WORLD_SIZE", "MASTER_ADDR")
_PATIENCE = 5.0
"""Seconds that a process gives the first one to report an error that both have."""


def by_torchrun() -> bool:
    """Tell whether torchrun has started this process.

    Raises:
        InputError: when something of torchrun is in the environment, and not all of it.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return False
    missing = [name for name in _TORCHRUN if name not in os.environ]
    if missing:
        raise InputError(
            f"TORCHELASTIC_RUN_ID is set as torchrun does, {', '.join(missing)} is not: start the "
            "command with torchrun, or unset TORCHELASTIC_RUN_ID"
        )
    return True


def check_processes(devices: int, nodes: int, available: int, what: str) -> None:
    """Refuse more processes than this machine has room for, and machines that nobody has started.

    Args:
        devices: processes on this machine, at least 1.
        nodes: machines, at least 1.
        available: processes that there is room for.
        what: of which there are so many.

    Raises:
        InputError: where Lightning would wait for processes that never come.
    """
    if by_torchrun():
        return
    if devices > available:
        raise InputError(
            f"{devices} devices asked for, {available} {what} found: ask for fewer",
            settings=("devices",),
        )
    if nodes > 1 and not any(name in os.environ for name in _OTHER_LAUNCHERS):
        raise InputError(
            f"{nodes} nodes asked for, and this is the only one: start the command on each with "
            f"torchrun --nnodes {nodes} --node-rank N --nproc-per-node {devices} --master-addr "
            "HOST -m advvid ...",
            settings=("nodes",),
        )


def is_helper() -> bool:
    """Tell whether this process was started beside the first one of a command."""
    named = ("RANK",) if "RANK" in os.environ else ("LOCAL_RANK", "NODE_RANK")
    return any(os.environ.get(name, "0") != "0" for name in named)


def announce_main() -> None:
    """Tell processes that are started from now on whom they help."""
    os.environ[_MAIN] = str(os.getpid())


def started() -> None:
    """Stop announcing; a helper ends from now on when whoever has started it is gone."""
    main = os.environ.pop(_MAIN, None)
    if not is_helper():
        return
    # The first process may be gone already.
    parent = os.getppid() if main is None or int(main) == os.getpid() else int(main)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def leave_to_main() -> None:
    """Give the first process time to report an error of both, which ends this one too."""
    if is_helper():
        time.sleep(_PATIENCE)


def leave(code: int) -> NoReturn:
    """End this process after an error, without waiting for the others of the command.

    What Python does at its end would close their connections first, and waits for them.
    """
    if "LOCAL_RANK" in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
