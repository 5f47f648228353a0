"""What steps are handed, and small models that tests know all about."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advvid.random_streams import clip_seeds
from advvid.training.task import StepContext

SHAPE = (3, 2, 4, 4)


def context(model: nn.Module, count: int, **changes: Any) -> StepContext:
    given: dict[str, Any] = {
        "epoch": 0,
        "epochs": 3,
        "iteration": 0,
        "total": 6,
        "seed": 1,
        "shared_seed": 2,
        "clip_seeds": clip_seeds(0, count),
        "networks": {"classifier": model},
        "passes": {"classifier": model},
        "criterion": F.cross_entropy,
    }
    return StepContext(**{**given, **changes})


def batch(count: int = 5, classes: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    clips = 0.2 + 0.6 * torch.rand(count, *SHAPE, generator=generator)
    return clips, torch.randint(classes, (count,), generator=generator)


class NormalizedNet(nn.Module):
    """Convolution, batch norm, dropout, so that every mode shows in the answer."""

    def __init__(self, classes: int = 4, dropout: float = 0.5) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.conv = nn.Conv3d(3, 5, (1, 3, 3), padding=(0, 1, 1))
            self.norm = nn.BatchNorm3d(5)
            self.dropout = nn.Dropout(dropout)
            self.fc = nn.Linear(5 * 32, classes)
        self.num_classes = classes

    def forward(self, clips: Tensor) -> Tensor:
        features = self.norm(self.conv(clips)).relu().flatten(1)
        logits: Tensor = self.fc(self.dropout(features))
        return logits


def everything(model: nn.Module) -> dict[str, Any]:
    """State, modes and frozen parameters of a model, to be compared."""
    return {
        "state": {k: v.clone() for k, v in model.state_dict().items()},
        "modes": [module.training for module in model.modules()],
        "frozen": [parameter.requires_grad for parameter in model.parameters()],
    }


def unchanged(model: nn.Module, before: dict[str, Any]) -> bool:
    now = everything(model)
    same = all(torch.equal(now["state"][k], v) for k, v in before["state"].items())
    return same and now["modes"] == before["modes"] and now["frozen"] == before["frozen"]
