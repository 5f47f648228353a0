"""The state of a training run on disk, from which it resumes as if nothing had happened."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from advvid.errors import InputError
from advvid.methods.arguments import checked
from advvid.runs.files import write_atomically

_FORMAT = 2


@dataclass
class Checkpoint:
    """All that a run needs besides its data and settings: tensors, numbers and strings.

    Args:
        identity: what must be the same at a resume, see `check_same_run`.
        networks: state dict of each network of the task, by name.
        optimizers: state dict of each optimizer, by the name of its network.
        task_state: what the task remembers.
        epoch: epochs that are complete.
        iteration: steps done in the epoch after them.
        tally: float64 (R, 3), sums of that epoch, see `Tally`.
        seconds: wall time spent in that epoch.
        history: rows of `History`.
        skipped: (path, reason) of videos that could not be read.
        ema: state of the moving average of the weights, where there is one.
        best: "epoch" (from 1), "score" and "model", a state dict of what is exported, of the best
            epoch so far, where weights are chosen by their score.
    """

    identity: dict[str, Any]
    networks: dict[str, dict[str, Any]]
    optimizers: dict[str, dict[str, Any]]
    task_state: dict[str, Any] = field(default_factory=dict)
    epoch: int = 0
    iteration: int = 0
    tally: torch.Tensor = field(default_factory=lambda: torch.zeros(1, 3, dtype=torch.float64))
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    ema: dict[str, Any] | None = None
    best: dict[str, Any] | None = None


@checked
def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint; until it is whole and on the disk, the one before it stays.

    Raises:
        InputError: naming file and reason, when it cannot be written.
    """
    content = {"format": _FORMAT, **vars(checkpoint)}

    def write(temporary: Path) -> None:
        try:
            torch.save(content, temporary)
        except RuntimeError as error:
            # torch's file writer reports a full disk as a RuntimeError of many lines.
            raise OSError(str(error).splitlines()[0] or "the disk is full") from error

    write_atomically(path, write)


@checked
def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint to the CPU, without unpickling any code.

    Raises:
        InputError: when there is none, or it is not a training checkpoint.
    """
    if not path.is_file():
        raise InputError(
            f"no run to resume: there is no {path}; start one in a new folder, without `resume`"
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # The restricted unpickler meets arbitrary bytes with any exception there is.
        raise InputError(
            f"cannot read {path}: it is not a checkpoint of a training run; start another run in "
            "another folder"
        ) from error
    found = content.pop("format", None) if isinstance(content, dict) else None
    if found != _FORMAT:
        what = "something else than a training run"
        if isinstance(found, int):
            what = f"a training run of another version of advvid (format {found}, not {_FORMAT})"
        raise InputError(
            f"{path} holds {what}: start another run in another folder; weights are for `weights`"
        )
    try:
        return Checkpoint(**content)
    except TypeError as error:
        raise InputError(
            f"{path} is not a whole checkpoint of a training run: start another in a new folder"
        ) from error
