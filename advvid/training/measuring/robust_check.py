"""Accuracy under attack while a model trains: what the best weights are chosen by."""

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from advvid.checks import check_count
from advvid.data.clip_dataset import ClipDataset, balanced_order
from advvid.methods.arguments import checked
from advvid.random_streams import clip_seeds, generator
from advvid.training.measuring.evaluation_view import EvaluationView


class ClipAttack(Protocol):
    """Makes adversarial clips."""

    def __call__(self, model: nn.Module, clips: Tensor, labels: Tensor, seeds: Tensor) -> Tensor:
        """Attack clips (B, 3, T, H, W) in [0, 1] with labels and seeds int64 (B,)."""
        ...


@checked
@dataclass(frozen=True)
class RobustCheck:
    """How robustness is measured after each epoch, on validation clips and on training clips.

    Args:
        attack: fixed for the whole run, whatever the training attacks are.
        name: what it is, in words; has to be the same at a resume.
        clips: how many clips of each set, evenly over the classes; None takes all.
        seed: of the choice of clips and of the attack.
        keep_best: whether the weights of the best epoch are kept; False only measures, and keeps
            the last.
        eps: Linf budget on whole clips, a fraction of the pixel range; None for other attacks.

    Raises:
        InputError: when `clips` is not a number of clips.
    """

    attack: ClipAttack = field(repr=False)
    name: str
    clips: int | None = None
    seed: int = 0
    keep_best: bool = True
    eps: float | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.clips is not None:
            check_count("clips", self.clips)

    def choose(self, data: ClipDataset) -> ClipDataset:
        """Take the clips that are measured, the same in every epoch.

        They are drawn from a stream of their own: where validation clips are those of the test
        split, as in data without a split for it, weights are not chosen by the very clips that
        `evaluate` reports on, which it draws with the same seed.
        """
        if self.clips is None or self.clips >= len(data):
            return data
        order = balanced_order(data.labels, generator(self.seed, stream="validation clips"))
        return data.subset(order[: self.clips].tolist())


def measure_under_attack(
    view: EvaluationView, model: nn.Module, data: ClipDataset, check: RobustCheck
) -> Tensor:
    """Count what a model, in evaluation mode, gets right without and under attack.

    Clips that are wrong without attack are not attacked.

    Returns:
        float64 (3,), of this process: right without attack, right under attack, clips.
    """
    model.eval()
    device = view.fabric.device
    sums = torch.zeros(3, dtype=torch.float64, device=device)
    for batch in view(check.choose(data)):
        clips, labels = batch.clips, batch.labels
        seeds = clip_seeds(check.seed, batch.indices).to(device)
        with view.fabric.autocast():
            with torch.no_grad():
                right = model(clips).argmax(1) == labels
            hits = right.sum()
            robust = hits
            if bool(right.any()):
                attacked = check.attack(model, clips[right], labels[right], seeds[right])
                with torch.no_grad():
                    robust = (model(attacked).argmax(1) == labels[right]).sum()
        sums += torch.stack([hits, robust, hits.new_tensor(len(labels))]).double()
    return sums
