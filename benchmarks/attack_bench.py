"""What the rows of a comparison of attacks share: model, clips, and how each toolkit sees them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from advvid.attacks.toolkits.folded_clips import Fold, FoldedModel, fold_time, unfold_time
from advvid.inference.frozen import frozen

Run = Callable[[], Tensor]


@dataclass(frozen=True)
class Row:
    """One attack.

    Args:
        name: with the settings that matter.
        runs: whose it is -> a run, that gives adversarial clips (B, C, T, H, W).
        gradients: passes that give an input gradient, of which the floor is made; 0 where their
            number depends on the clips.
    """

    name: str
    runs: dict[str, Run]
    gradients: int = 0


@dataclass
class Bench:
    """Everything that the rows share.

    Args:
        model: clips -> logits.
        clips: (B, C, T, H, W), on the device of the model.
        labels: int64 (B,).
        classes: K.
        steps: of the attacks that follow gradients.
        queries: of Square.
    """

    model: nn.Module
    clips: Tensor
    labels: Tensor
    classes: int
    steps: int
    queries: int
    arrays: dict[Fold, Any] = field(init=False)

    def __post_init__(self) -> None:
        folds: tuple[Fold, ...] = ("clips", "channels", "NTHWC")
        self.arrays = {fold: fold_time(self.clips, fold).cpu().numpy() for fold in folds}

    def floor(self, row: Row) -> Callable[[], None]:
        """Give the passes that a row cannot do without, and nothing else."""

        def passes() -> None:
            # Frozen, so that only pixels are differentiated by, as our attacks do.
            with frozen(self.model):
                for _ in range(row.gradients):
                    x = self.clips.clone().requires_grad_(True)
                    torch.autograd.grad(F.cross_entropy(self.model(x), self.labels), x)

        return passes

    def accuracy(self, run: Run) -> float:
        """Give the share of clips that an attack leaves correct."""
        found = run()
        with torch.no_grad():
            return float((self.model(found).argmax(1) == self.labels).float().mean())

    def art(self, fold: Fold = "clips") -> Any:
        """ART's own classifier, around the model as it is or of folded clips."""
        shape = tuple(self.arrays[fold].shape[1:])
        model = self.model if fold == "clips" else FoldedModel(self.model, fold, self.clips)
        device = "cpu" if self.clips.device.type == "cpu" else "gpu"
        return PyTorchClassifier(
            model,
            nn.CrossEntropyLoss(),
            shape,
            self.classes,
            channels_first=fold != "NTHWC",
            clip_values=(0, 1),
            device_type=device,
        )

    def by_art(self, attack: Any, fold: Fold = "clips", **kwargs: Any) -> Run:
        def run() -> Tensor:
            found = attack.generate(self.arrays[fold], self.labels.cpu().numpy(), **kwargs)
            return self._unfold(torch.from_numpy(found).to(self.clips), fold)

        return run

    def by_torchattacks(self, attack: Callable[[nn.Module], Any], fold: Fold = "channels") -> Run:
        made = attack(
            self.model if fold == "clips" else FoldedModel(self.model, fold, self.clips).eval()
        )

        def run() -> Tensor:
            found: Tensor = made(fold_time(self.clips, fold), self.labels)
            return self._unfold(found, fold)

        return run

    def _unfold(self, images: Tensor, fold: Fold) -> Tensor:
        channels, frames = self.clips.shape[1:3]
        return unfold_time(images, fold, channels=channels, frames=frames)

    def pgd_settings(self, eps: float, step: float) -> dict[str, Any]:
        return {
            "eps": eps,
            "eps_step": step,
            "max_iter": self.steps,
            "batch_size": len(self.clips),
            "verbose": False,
        }
