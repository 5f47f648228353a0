"""The state of a training run on disk, from which it resumes as if nothing had happened."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import torch

from advvid.errors import InputError, first_line
from advvid.methods.arguments import checked
from advvid.runs.files import write_atomically
from advvid.runs.stored import StoredError, restored

_FORMAT = 2
# Length of the comment with which an archive ends, and the comment of ours.
_NO_COMMENT, _MARK, _DIGEST_SIZE = b"\0\0", b"advvid sha256 ", 32
_AT_ONCE = 2**22


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
            raise OSError(first_line(error)) from error
        _seal(temporary)

    write_atomically(path, write)


@checked
def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint to the CPU, without unpickling any code.

    Raises:
        InputError: when there is none, when it is damaged, or no training checkpoint.
    """
    if not path.is_file():
        raise InputError(
            f"no run to resume: there is no {path}; start one in a new folder, without `resume`"
        )
    _check_seal(path)
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
        return restored(Checkpoint, content)
    except StoredError as error:
        raise InputError(
            f"{path} is not a whole checkpoint of a training run ({error}): start another in a new "
            "folder"
        ) from error


def _seal(path: Path) -> None:
    """Write the checksum of an archive into its comment, which readers of archives pass over."""
    with path.open("r+b") as file:
        file.seek(-len(_NO_COMMENT), os.SEEK_END)
        if file.read() != _NO_COMMENT:
            raise OSError(f"torch {torch.__version__} writes archives in another form")
        digest = _digest(file, file.tell() - len(_NO_COMMENT))
        file.seek(-len(_NO_COMMENT), os.SEEK_END)
        file.write((len(_MARK) + len(digest)).to_bytes(2, "little") + _MARK + digest)


def _check_seal(path: Path) -> None:
    """Compare a checkpoint with its checksum; torch itself reads over what has changed.

    One that was written without a checksum, by an earlier version, passes.

    Raises:
        InputError: when they differ.
    """
    with path.open("rb") as file:
        size, sealed = file.seek(0, os.SEEK_END), len(_MARK) + _DIGEST_SIZE
        file.seek(max(0, size - sealed))
        mark, digest = file.read(len(_MARK)), file.read()
        intact = mark != _MARK or digest == _digest(file, size - sealed - len(_NO_COMMENT))
    if not intact:
        raise InputError(
            f"{path} is damaged (its checksum is another), so the run cannot be resumed: put a "
            f"copy of the file in its place, or start another run in another folder, with "
            f"`weights={path.parent / 'model.safetensors'}` for the weights of its last epoch"
        )


def _digest(file: BinaryIO, count: int) -> bytes:
    """Hash the first bytes of a file."""
    file.seek(0)
    hashed = hashlib.sha256()
    for start in range(0, count, _AT_ONCE):
        hashed.update(file.read(min(_AT_ONCE, count - start)))
    return hashed.digest()
