"""The models that are attacked: the bundled one, and two that were trained against PGD."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

import advvid

# Budgets at which 20 to 80% of the clips remain correct; random search needs larger ones. Linf
# budgets are fractions of the pixel range, L2 and L1 ones are lengths over the whole clip.
BUDGETS: dict[str, dict[str, tuple[float, ...]]] = {
    "plain": {
        "Linf": (0.75 / 255, 1 / 255),
        "Linf queries": (3 / 255, 4 / 255),
        "L2": (0.2, 0.3),
        "L1": (5.0, 8.0),
    },
    "AT(2)": {
        "Linf": (3 / 255, 4 / 255),
        "Linf queries": (6 / 255, 8 / 255),
        "L2": (0.6, 0.9),
        "L1": (12.0, 20.0),
    },
    "AT(4)": {
        "Linf": (4 / 255, 5.5 / 255),
        "Linf queries": (8 / 255, 10 / 255),
        "L2": (0.8, 1.3),
        "L1": (15.0, 30.0),
    },
}
RECIPE = "--data motions:2000 --defense at --epochs 10 --batch-size 32 --lr 2e-3"
_SHOWN = 200


@dataclass(frozen=True)
class Subject:
    """A model, and clips that it is right about.

    Args:
        name: of the model.
        model: clips -> logits (B, 10), in evaluation mode.
        clips: (N, 3, T, H, W).
        labels: int64 (N,).
    """

    name: str
    model: nn.Module
    clips: Tensor
    labels: Tensor


def subjects(folder: Path, count: int) -> list[Subject]:
    """Load the three models, train those that the folder lacks, and find clips for each.

    Args:
        folder: keeps "at2" and "at4", runs of `advvid train`.
        count: clips of each model.
    """
    found = []
    for name in BUDGETS:
        weights = None if name == "plain" else _trained(folder, int(name[3:-1]))
        model = advvid.load_model("motions-r3d", weights=weights)
        classifier = advvid.VideoClassifier(model)
        clips, labels = advvid.load_dataset("motions").sample(_SHOWN, seed=0)
        right = (classifier.logits(clips).argmax(dim=1).cpu() == labels).nonzero().flatten()[:count]
        device = classifier.device
        model.to(device).eval()
        found.append(Subject(name, model, clips[right].to(device), labels[right].to(device)))
    return found


def _trained(folder: Path, eps: int) -> Path:
    run = folder / f"at{eps}"
    weights = run / "model.safetensors"
    if not weights.exists():
        command = [sys.executable, "-m", "advvid", "train", *RECIPE.split()]
        subprocess.run([*command, "--eps", str(eps), "--out", str(run)], check=True)
    return weights
