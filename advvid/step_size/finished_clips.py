"""Clips of a sweep that are done, kept on disk, so that a killed sweep is resumed."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from advvid.errors import InputError
from advvid.runs.files import write_atomically


class FinishedClips:
    """Collects the results of clips that are done, and keeps them in a file where there is one.

    Args:
        path: the file; None keeps nothing on disk.
        fingerprint: of everything the results depend on, see `fingerprint`.
        nodes: results of a clip.
        total: clips of the sweep.

    Raises:
        InputError: when the file belongs to another sweep, or cannot be read.
    """

    def __init__(self, path: Path | None, fingerprint: str, nodes: int, total: int) -> None:
        self.path = path
        self.fingerprint = fingerprint
        self.nodes, self.total = nodes, total
        self.losses: list[Tensor] = []
        self.correct: list[Tensor] = []
        if path is not None and path.exists():
            self._load(path)

    @property
    def clips(self) -> int:
        """Number of clips that are done."""
        return sum(done.shape[1] for done in self.losses)

    def add(self, losses: Tensor, correct: Tensor) -> None:
        """Take the results of further clips, (nodes, clips) each, and write all so far."""
        self.losses.append(losses)
        self.correct.append(correct)
        if self.path is not None:
            write_atomically(self.path, self._write)

    def joined(self) -> tuple[Tensor, Tensor]:
        """Give losses and correctness of all clips, (nodes, clips) each."""
        return torch.cat(self.losses, dim=1), torch.cat(self.correct, dim=1)

    def _write(self, path: Path) -> None:
        losses, correct = self.joined()
        with path.open("wb") as file:
            np.savez(
                file,
                fingerprint=np.array(self.fingerprint),
                losses=losses.numpy(),
                correct=correct.numpy(),
            )

    def _load(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                found = str(arrays["fingerprint"])
                losses, correct = (torch.from_numpy(arrays[key]) for key in ("losses", "correct"))
        except Exception as error:
            # Arbitrary bytes make numpy and zipfile raise whatever there is.
            raise InputError(
                f"cannot resume from {path}: {error}; delete it to start again"
            ) from error
        if found != self.fingerprint:
            raise InputError(
                f"{path} belongs to another sweep (other model, clips or settings): repeat its "
                "settings, or choose another folder"
            )
        if (
            losses.shape != correct.shape
            or losses.shape[0] != self.nodes
            or not (
                losses.ndim == 2
                and 1 <= losses.shape[1] <= self.total
                and losses.dtype == torch.float32
                and correct.dtype == torch.bool
            )
        ):
            raise InputError(
                f"cannot resume from {path}: it does not hold the clips of this sweep; delete it "
                "to start again"
            )
        self.losses, self.correct = [losses], [correct]
