"""Small data and models for the tests of the training loop."""

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset
from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.training.records.checkpoints import load_checkpoint
from advvid.training.step import Step
from advvid.training.task import StepContext


class ToyClips(ClipDataset):
    """Noise of which one channel, that of the label, is brighter; training views differ by draw."""

    def __init__(self, count: int, *, bad: tuple[int, ...] = (), name: str = "toy") -> None:
        super().__init__()
        self.name, self.classes, self.clip_shape = name, ("red", "green", "blue"), (3, 2, 8, 8)
        self.count, self.bad = count, bad
        self.on_bad_video = "skip" if bad else "raise"

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        return np.arange(self.count, dtype=np.int64) % 3

    def clip(self, index: int, draw: int | None = None) -> tuple[Tensor, int]:
        if index in self.bad:
            raise BadVideoError(BadVideo(f"{index}.avi", "broken"))
        rng = np.random.default_rng([index, 0 if draw is None else draw])
        pixels = rng.integers(0, 200, size=self.clip_shape, dtype=np.uint8)
        pixels[index % 3] += 50
        return torch.from_numpy(pixels), index % 3

    def identity(self, index: int) -> str:
        return f"{index}.avi"


class TinyNet(nn.Module):
    """A 3D convolution with batch normalization and dropout, so that both can go wrong."""

    def __init__(
        self, *, num_classes: int = 3, batch_norm: bool = True, dropout: float = 0.2
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.conv = nn.Conv3d(3, 6, 3, padding=1)
        self.norm: nn.Module = nn.BatchNorm3d(6) if batch_norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(6, num_classes)
        self.num_classes, self.spec = num_classes, "tiny"
        with torch.no_grad():
            for parameter in (*self.conv.parameters(), *self.fc.parameters()):
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))

    def forward(self, clips: Tensor) -> Tensor:
        features = self.norm(self.conv(clips - 0.4)).relu().mean((2, 3, 4))
        logits: Tensor = self.fc(self.dropout(features))
        return logits


@dataclass
class KilledAt(Step):
    """A clean step that kills its process, as kill -9 does, or stops it as Ctrl-C does."""

    at: int | None = field(default=None, repr=False)
    by_signal: bool = field(default=False, repr=False)
    seen: int = field(default=0, repr=False)

    def __call__(
        self, model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        if context.iteration == self.at:
            if self.by_signal:
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt
        self.seen += 1
        logits = model(clips)
        return context.criterion(logits, labels), logits

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


def weights_in(folder: Path) -> dict[str, Tensor]:
    """Weights in the checkpoint of a run."""
    return load_checkpoint(folder / "checkpoint.pt").networks["classifier"]


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Whether two state dicts are equal bit for bit."""
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)
