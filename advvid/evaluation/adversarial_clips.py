"""Adversarial clips in a folder: lossless video, exact arrays, a picture to compare."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from advvid.data.clip_source import DatasetClips
from advvid.data.loader import ClipBatch
from advvid.data.video.writing import write_video
from advvid.evaluation.condition import Setup
from advvid.evaluation.conditions.attack import AttackCondition
from advvid.evaluation.judge import judge
from advvid.figures.animation import comparison_picture
from advvid.random_streams import clip_seeds
from advvid.runs.progress import progress_bar
from advvid.runs.run_folder import RunFolder

_PICTURED = 3


def write_adversarial_clips(
    folder: RunFolder,
    attack: AttackCondition,
    setup: Setup,
    *,
    target: int | None = None,
    classes: Sequence[str] | None = None,
    fps: int = 8,
) -> list[dict[str, Any]]:
    """Attack all clips of a source, a batch at a time, and write what comes out.

    Writes NNNN.mkv and NNNN.npz for each clip, comparison.gif and results.json.

    Args:
        folder: of the run.
        attack: see `plan_attack`.
        setup: what is attacked; its clips come from a data set.
        target: class that clips are to look like, or None for any wrong one.
        classes: names as the model counts them, or None.
        fps: frames a second of the videos.

    Returns:
        What results.json says of each clip: label, predictions before and after, success.
    """
    classifier, source, batch_size, seed = setup
    assert isinstance(source, DatasetClips)
    targeted, names = target is not None, classes or range(classifier.nb_classes)
    rows: list[dict[str, Any]] = []
    shown: list[tuple[Tensor, Tensor, str]] = []
    with progress_bar("Attack", len(source)) as advance:
        for batch in source.batches(range(len(source)), batch_size):
            before = classifier.logits(batch.clips).argmax(dim=1).cpu()
            labels = before if batch.labels is None else batch.labels.cpu()
            goals = labels if target is None else torch.full_like(labels, target)
            aimed = ClipBatch(batch.clips, goals, batch.indices, [])
            outcome = attack.apply(aimed, clip_seeds(seed, batch.indices))
            adversarial = attack.check(aimed, outcome)
            after = judge(classifier, adversarial, goals)
            for i, place in enumerate(batch.indices.tolist()):
                clean, changed, file = batch.clips[i], adversarial[i], f"{place:04d}.mkv"
                write_video(folder.path / file, changed, fps=fps)
                report = {name: values[i] for name, values in outcome.report.items()}
                arrays = {"clean": clean, "adversarial": changed, **report}
                folder.write(f"{place:04d}.npz", partial(_write_arrays, arrays))
                row: dict[str, Any] = {
                    "clip": source.dataset.identity(int(source.indices[place])),
                    "file": file,
                    "label": int(labels[i]),
                    "predicted": int(before[i]),
                    "adversarial": int(after.predicted[i]),
                    "success": bool(after.correct[i]) == targeted,
                    "success_8bit": bool(after.correct_8bit[i]) == targeted,
                    "linf": float((changed - clean).abs().max()) * 255,
                    "loss": round(float(after.loss[i]), 6),
                }
                rows.append(row)
                if len(shown) < _PICTURED:
                    title = f"{names[row['predicted']]} -> {names[row['adversarial']]}"
                    shown.append((clean.cpu(), changed.cpu(), title))
            advance(len(batch.clips))
    if shown:
        *clips, titles = zip(*shown, strict=True)
        path, caption = folder.path / "comparison.gif", attack.caption
        before_after = map(torch.stack, clips)
        comparison_picture(path, *before_after, titles=titles, caption=caption, fps=fps)
    strength = attack.strength
    content = {
        "unit": strength.axis.unit,
        "attack": attack.name,
        "eps": strength.printed,
        "clips": rows,
    }
    skipped = [{"path": str(bad.path), "reason": bad.reason} for bad in source.skipped]
    folder.write_json("results.json", {**content, "skipped": skipped})
    return rows


def _write_arrays(arrays: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors of one clip exactly."""
    with path.open("wb") as file:
        plain: dict[str, Any] = {name: one.cpu().numpy() for name, one in arrays.items()}
        np.savez_compressed(file, **plain)
