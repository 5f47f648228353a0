"""What is measured after an epoch, over all processes."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset
from advvid.errors import InputError
from advvid.training.batches import Batches
from advvid.training.labels import smoothed_cross_entropy
from advvid.training.measuring.catastrophic_overfitting import overfits
from advvid.training.measuring.evaluation_view import EvaluationView
from advvid.training.measuring.robust_check import RobustCheck, measure_under_attack
from advvid.training.measuring.tally import Tally, means
from advvid.training.records.history import History
from advvid.training.scale.processes import all_videos, over_processes
from advvid.training.settings import TrainSettings
from advvid.training.task import CountedAttack

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Measured:
    """Numbers of one epoch, under the names of `EpochRecord`."""

    val_loss: float | None = None
    val_top1: float | None = None
    val_robust_top1: float | None = None
    seen_top1: float | None = None
    seen_robust_top1: float | None = None
    catastrophic_overfitting: bool | None = None

    @property
    def score(self) -> list[float]:
        """What weights are chosen by: accuracy under attack, then without.

        Where no clip survives the attack, the model that is better without it is chosen. One that
        overfits catastrophically is behind all that do not.
        """
        first, *others = [s for s in (self.val_robust_top1, self.val_top1) if s is not None]
        return [first - bool(self.catastrophic_overfitting), *others]


class Measures:
    """Measures a model on validation clips, and on training clips where robustness is asked for.

    Videos that cannot be read are listed in the history.
    """

    def __init__(
        self,
        fabric: "Fabric",
        batches: Batches,
        val_data: ClipDataset | None,
        robust: RobustCheck | None,
        settings: TrainSettings,
        history: History,
    ) -> None:
        self.fabric, self.batches = fabric, batches
        self.val_data, self.robust = val_data, robust
        self.view = EvaluationView(
            fabric,
            history,
            batch_size=max(1, settings.batch_size // fabric.world_size),
            workers=settings.workers,
        )
        by_attack = robust is not None and robust.keep_best
        self.chooses = val_data is not None and (by_attack or settings.patience is not None)
        self.history = history

    def measure(
        self, model: nn.Module, epoch: int, *, train_top1: float, counted: CountedAttack | None
    ) -> Measured:
        """Measure everything that is asked for.

        Args:
            model: without what synchronizes processes; left in evaluation mode.
            epoch: from 1.
            train_top1: of the epoch.
            counted: see `overfits`.

        Raises:
            InputError: when no clip can be read.
            NotFiniteError: when the loss is not finite.
        """
        val_loss = val_top1 = robust_top1 = seen_top1 = seen_robust_top1 = None
        if self.val_data is not None:
            sums = self._validate(model, self.val_data)
            val_loss, val_top1 = self.mean(sums, "validation", epoch)
            _, robust_top1 = self._under_attack(model, self.val_data, "validation", epoch)
        if (sample := self.batches.sample()) is not None:
            seen_top1, seen_robust_top1 = self._under_attack(model, sample, "training", epoch)
        overfitted = overfits(
            counted,
            train_top1=train_top1,
            robust_top1=seen_robust_top1,
            robust_eps=None if self.robust is None else self.robust.eps,
            classes=len(self.batches.classes),
        )
        return Measured(val_loss, val_top1, robust_top1, seen_top1, seen_robust_top1, overfitted)

    def mean(self, sums: Tensor, what: str, epoch: int) -> tuple[float, float]:
        """Turn the sums (3,) of this process into mean loss and top-1 of all; see `measure`."""
        sums = over_processes(self.fabric, sums, "sum")
        if sums[2] == 0:
            raise self._unreadable(what, epoch)
        loss, top1 = means(sums)
        if not math.isfinite(loss):
            raise NotFiniteError(f"the {what} loss of epoch {epoch}")
        return loss, top1

    def _validate(self, model: nn.Module, data: ClipDataset) -> Tensor:
        """Sum clean loss, hits and clips of this process, (3,), without label smoothing."""
        model.eval()
        criterion = smoothed_cross_entropy(0.0)
        tally = Tally(self.fabric.device)
        for batch in self.view(data):
            with torch.no_grad(), self.fabric.autocast():
                logits = model(batch.clips)
            tally.count(criterion(logits, batch.labels), logits, batch.labels)
        return tally.sums[0]

    def _under_attack(
        self, model: nn.Module, data: ClipDataset, what: str, epoch: int
    ) -> tuple[float | None, float | None]:
        """Give accuracy without and under attack, where that is asked for."""
        if self.robust is None:
            return None, None
        sums = measure_under_attack(self.view, model, data, self.robust)
        clean, robust, count = over_processes(self.fabric, sums, "sum").tolist()
        if count == 0:
            raise self._unreadable(what, epoch)
        return clean / count, robust / count

    def _unreadable(self, what: str, epoch: int) -> InputError:
        videos = all_videos(self.fabric, self.history.skipped)
        if not videos:
            return InputError(
                f"no {what} clip of epoch {epoch} was counted: one loss of the task has to give "
                "its logits"
            )
        return InputError(
            f"no {what} clip of epoch {epoch} can be read (first: {videos[0].path}: "
            f"{videos[0].reason}): repair or replace the videos"
        )


class NotFiniteError(Exception):
    """A loss is NaN or infinite; the run knows its last good checkpoint and says so."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is NaN or infinite: lower the learning rate, warm up or clip gradients"
        )
