"""Adversarial clips in a folder: lossless video, exact arrays, a picture to compare."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from advvid.data.loader import ClipBatch
from advvid.data.source import DatasetClips
from advvid.data.video.writing import write_video
from advvid.evaluation.condition import Setup
from advvid.evaluation.conditions.attack import AttackCondition
from advvid.evaluation.judge import judge
from advvid.figures.animation import comparison_picture
from advvid.random_streams import clip_seeds
from advvid.runs.progress import progress_bar
from advvid.runs.run_folder import RunFolder

_PICTURED = 3


class Goal(NamedTuple):
    """What an attack is after.

    Args:
        target: class that clips are to look like, or None for any wrong one.
        classes: names as the model counts them, or None.
    """

    target: int | None = None
    classes: tuple[str, ...] | None = None

    def name(self, label: int | Tensor) -> str:
        """Name a class."""
        return str(int(label)) if self.classes is None else self.classes[int(label)]


def write_adversarial_clips(
    folder: RunFolder,
    attack: AttackCondition,
    setup: Setup,
    goal: Goal | None = None,
    *,
    fps: int = 8,
) -> list[dict[str, Any]]:
    """Attack all clips of a source, a batch at a time, and write what comes out.

    Writes NNNN.mkv and NNNN.npz for each clip, comparison.gif and results.json.

    Args:
        folder: of the run.
        attack: see `plan_attack`.
        setup: what is attacked; its clips come from a data set.
        goal: see `Goal`.
        fps: frames a second of the videos.

    Returns:
        What results.json says of each clip: label, predictions before and after, success.
    """
    goal, source = goal or Goal(), setup.source
    assert isinstance(source, DatasetClips)
    rows: list[dict[str, Any]] = []
    shown: list[tuple[Tensor, Tensor, str]] = []
    with progress_bar("Attack", len(source)) as advance:
        for batch in source.batches(range(len(source)), setup.batch_size):
            before = setup.classifier.logits(batch.clips).argmax(dim=1).cpu()
            labels = before if batch.labels is None else batch.labels.cpu()
            goals = labels if goal.target is None else torch.full_like(labels, goal.target)
            aimed = ClipBatch(batch.clips, goals, batch.indices, [])
            outcome = attack.apply(aimed, clip_seeds(setup.seed, batch.indices))
            adversarial = attack.check(aimed, outcome)
            after = judge(setup.classifier, adversarial, goals)
            for i, place in enumerate(batch.indices.tolist()):
                file = f"{place:04d}.mkv"
                write_video(folder.path / file, adversarial[i], fps=fps)
                arrays = {"clean": batch.clips[i], "adversarial": adversarial[i]}
                arrays |= {name: values[i] for name, values in outcome.report.items()}
                folder.write(f"{place:04d}.npz", _writer(arrays))
                rows.append(
                    {
                        "clip": source.dataset.identity(int(source.indices[place])),
                        "file": file,
                        "label": int(labels[i]),
                        "predicted": int(before[i]),
                        "adversarial": int(after.predicted[i]),
                        "success": bool(after.correct[i]) == (goal.target is not None),
                        "success_8bit": bool(after.correct_8bit[i]) == (goal.target is not None),
                        "linf": float((adversarial[i] - batch.clips[i]).abs().max()) * 255,
                        "loss": round(float(after.loss[i]), 6),
                    }
                )
                if len(shown) < _PICTURED:
                    title = f"{goal.name(before[i])} -> {goal.name(after.predicted[i])}"
                    shown.append((batch.clips[i].cpu(), adversarial[i].cpu(), title))
            advance(len(batch.clips))
    if shown:
        clean, changed, titles = zip(*shown, strict=True)
        comparison_picture(
            folder.path / "comparison.gif",
            torch.stack(clean),
            torch.stack(changed),
            titles=list(titles),
            caption=attack.caption,
            fps=fps,
        )
    content = {"unit": "1/255", "attack": attack.name, "eps": attack.eps * 255, "clips": rows}
    skipped = [{"path": str(bad.path), "reason": bad.reason} for bad in source.skipped]
    folder.write_json("results.json", {**content, "skipped": skipped})
    return rows


def _writer(arrays: Mapping[str, Tensor]) -> Callable[[Path], None]:
    """Give a function that writes tensors of one clip exactly."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            plain: dict[str, Any] = {name: one.cpu().numpy() for name, one in arrays.items()}
            np.savez_compressed(file, **plain)

    return write
