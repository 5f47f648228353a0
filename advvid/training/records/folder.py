"""The folder of a training run: what is in it when, and who may write there."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import nn

from advvid.errors import InputError
from advvid.runs.files import leftovers, remove_leftovers, write_text
from advvid.runs.run_folder import CONFIG, RunFolder, check_free
from advvid.runs.stored import read_json
from advvid.training.measuring.catastrophic_overfitting import onsets
from advvid.training.records.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from advvid.training.records.curves import generalization_gap, learning_curve
from advvid.training.records.history import History
from advvid.training.task import Task

CHECKPOINT, WEIGHTS = "checkpoint.pt", "model.safetensors"
HISTORY_CSV, HISTORY_JSON, CURVE = "history.csv", "history.json", "learning_curve.png"
GAP, RESULTS = "generalization_gap.png", "results.json"
_OURS = (CHECKPOINT, WEIGHTS, HISTORY_CSV, HISTORY_JSON, CURVE, GAP, RESULTS)


class TrainingFolder:
    """Files of one run: all but config and checkpoint are rewritten after every epoch.

    Args:
        path: the folder; made when the run starts.
        classes: names in label order, for the weights file.
        input_shape: (3, T, H, W) that the model is trained for, for the weights file.
        subject: model, data, clips and attack, for the titles of the figures.
    """

    def __init__(
        self,
        path: Path,
        *,
        classes: tuple[str, ...],
        input_shape: tuple[int, int, int, int],
        subject: str = "",
    ) -> None:
        self.path, self.classes, self.input_shape = path, classes, input_shape
        self.subject = subject

    @property
    def checkpoint(self) -> Path:
        """Where the checkpoint is."""
        return self.path / CHECKPOINT

    def open_run(self, networks: Iterable[nn.Module], *, resume: bool) -> Checkpoint | None:
        """Find the run to resume, or make sure that there is room for a new one. Writes nothing.

        Args:
            networks: whose weights a checkpoint will hold.
            resume: whether there has to be a run.

        Returns:
            The last checkpoint when `resume`, None for a new run.

        Raises:
            InputError: when `resume` finds no run, when the folder holds something already, or when
                the disk cannot hold the run.
        """
        if resume:
            found = load_checkpoint(self.checkpoint)
            remove_leftovers(self.path)
            return found
        taken = [name for name in _OURS if (self.path / name).exists()]
        if taken:
            raise InputError(
                f"{self.path} already holds a run ({', '.join(taken)}): resume it "
                "(`resume=True`), or choose another folder (`out`)"
            )
        if not self._never_started():
            check_free(self.path)
        weights = sum(
            t.numel() * t.element_size()
            for network in networks
            for t in network.state_dict().values()
        )
        # Weights, two moments, average and best in each of two checkpoints, two weights files.
        there = next(p for p in (self.path, *self.path.absolute().parents) if p.exists())
        needed, free = 12 * weights, shutil.disk_usage(there).free
        if free < needed:
            raise InputError(
                f"{self.path} has {free / 2**20:.0f} MB of free space; this run needs "
                f"{needed / 2**20:.0f} MB for checkpoints: free some, or choose another `out`"
            )
        return None

    def start(self, settings: dict[str, Any]) -> None:
        """Make the folder and write config.json.

        Raises:
            InputError: when the folder cannot be written.
        """
        if self._never_started():
            (self.path / CONFIG).unlink(missing_ok=True)
        RunFolder(self.path, "train", settings)

    def _never_started(self) -> bool:
        """Whether a run was killed before its first checkpoint, and nothing else is here.

        Such a run cannot be resumed, and must not keep another from its folder.
        """
        config = self.path / CONFIG
        if not config.is_file() or set(self.path.iterdir()) - {config, *leftovers(self.path)}:
            return False
        try:
            return bool(read_json(config).get("command") == "train")
        except InputError:
            return False

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint."""
        save_checkpoint(checkpoint, self.checkpoint)

    def write_epoch(
        self, model: nn.Module, history: History, *, finished: bool, task: Task | None = None
    ) -> None:
        """Write weights, history, figures and results as they are after an epoch.

        `model` is what is exported, with the weights that are kept; a task may have figures too.
        """
        from advvid.figures.saving import save_figure
        from advvid.models import save_weights

        save_weights(model, self.path / WEIGHTS, classes=self.classes, input_shape=self.input_shape)
        write_text(self.path / HISTORY_CSV, history.to_csv())
        write_text(self.path / HISTORY_JSON, history.to_json())
        figures = {CURVE: learning_curve(history, subject=self.subject)}
        if any(record.seen_robust_top1 is not None for record in history.epochs):
            figures[GAP] = generalization_gap(history, subject=self.subject)
        if task is not None:
            figures |= task.figures([record.step for record in history.epochs])
        for name, figure in figures.items():
            save_figure(figure, self.path / name)
        content = results(history, finished=finished)
        write_text(self.path / RESULTS, json.dumps(content, indent=2) + "\n")


def results(history: History, *, finished: bool) -> dict[str, Any]:
    """Summarize a run: its last epoch, its time, and which videos were skipped.

    The best epoch is not singled out unless its weights are the ones that are kept: choosing it by
    the clips it is judged on flatters it.
    """
    rows = history.rows()
    best = history.best_epoch
    return {
        "epochs": len(rows),
        "finished": finished,
        **{name: value for name, value in rows[-1].items() if name not in ("epoch", "seconds")},
        **({} if best is None else {"kept_epoch": best, "kept": rows[best - 1]}),
        "warnings": onsets(history.epochs),
        "seconds": sum(record.seconds for record in history.epochs),
        "skipped_videos": len(history.skipped),
        "skipped": [video._asdict() for video in history.skipped],
    }
