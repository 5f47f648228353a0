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
from advvid.data.video.bad_video import BadVideoError
from advvid.data.video.writing import write_video
from advvid.evaluation.adversarial.full_video import videos_of, write_full_video
from advvid.evaluation.condition import TOLERANCE, Setup
from advvid.evaluation.conditions.attack import AttackCondition
from advvid.evaluation.conditions.target import Target
from advvid.evaluation.judge import changes, judge, located
from advvid.evaluation.provenance import provenance
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
    target: Target | None = None,
    classes: Sequence[str] | None = None,
    fps: int = 8,
    full_video: bool = False,
    about: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Attack all clips of a source, a batch at a time, and write what comes out.

    Writes NNNN.mkv and NNNN.npz for each clip, comparison.gif and results.json.

    Args:
        folder: of the run.
        attack: see `plan_attack`.
        setup: what is attacked; its clips come from a data set.
        target: what clips are to look like, or None for any wrong class.
        classes: names as the model counts them, or None.
        fps: frames a second of the videos.
        full_video: whether to write NNNN-full.mkv, too: the whole video with the clip in its place.
        about: what results.json says of model, clips and command; see `Results`.

    Returns:
        What results.json says of each clip: where it comes from, label, predictions before and
        after, which frames carry the change, and whether the attack succeeded. "eligible" clips are
        those that it could succeed on: classified correctly before, or not yet as the target.
        "success" of others is False.

    Raises:
        InputError: when `full_video` is asked for and the clips are not taken from video files, or
            something cannot be written.
    """
    classifier, source, batch_size, seed = setup
    assert isinstance(source, DatasetClips)
    videos = videos_of(source.dataset) if full_video else None
    names = classes or range(classifier.nb_classes)
    rows: list[dict[str, Any]] = []
    shown: list[tuple[Tensor, Tensor, str]] = []
    with progress_bar("Attack", len(source)) as advance:
        for batch in source.batches(range(len(source)), batch_size):
            logits, seeds = classifier.logits(batch.clips).cpu(), clip_seeds(seed, batch.indices)
            before = logits.argmax(dim=1)
            labels = before if batch.labels is None else batch.labels.cpu()
            goals = labels if target is None else target.of(labels, logits, seeds)
            eligible = before == labels if target is None else before != goals
            aimed = ClipBatch(batch.clips, goals, batch.indices, [])
            outcome = attack.apply(aimed, seeds)
            adversarial = attack.check(aimed, outcome)
            with located(f"under {attack.caption}"):
                after = judge(classifier, adversarial, goals)
            measured = changes(batch.clips, adversarial)
            for i, place in enumerate(batch.indices.tolist()):
                clean, changed, file = batch.clips[i], adversarial[i], f"{place:04d}.mkv"
                origin = source.origin(place)
                write_video(folder.path / file, changed, fps=fps)
                report = {name: values[i] for name, values in outcome.report.items()}
                arrays = {"clean": clean, "adversarial": changed, **report}
                folder.write(f"{place:04d}.npz", partial(_write_arrays, arrays))
                able = bool(eligible[i])
                carriers = _changed_frames(clean, changed)
                row: dict[str, Any] = {
                    "clip": source.dataset.identity(int(source.indices[place])),
                    "file": file,
                    "video": origin.video,
                    "path": origin.path,
                    "frame_count": clean.shape[1],
                    "frames": list(origin.frames),
                    "changed_frames": carriers,
                    "changed_video_frames": [origin.frames[t] for t in carriers if origin.frames],
                    "label": int(labels[i]),
                    "predicted": int(before[i]),
                    **({} if target is None else {"target": int(goals[i])}),
                    "adversarial": int(after.predicted[i]),
                    "eligible": able,
                    "success": able and _reached(after.correct[i], target),
                    "success_8bit": able and _reached(after.correct_8bit[i], target),
                    "linf": float((changed - clean).abs().max()) * 255,
                    "thickness": round(float(measured["thickness"][i]), 6),
                    "roughness": round(float(measured["roughness"][i]), 6),
                    "loss": round(float(after.loss[i]), 6),
                }
                if videos is not None:
                    row["full_video"] = full = f"{place:04d}-full.mkv"
                    try:
                        seen = write_full_video(
                            folder.path / full, videos, origin, (changed - clean).cpu()
                        )
                    except BadVideoError as error:
                        row |= {"full_video": None, "full_video_missing": error.bad_video.reason}
                    else:
                        answer = judge(classifier, seen[None], goals[i : i + 1])
                        row["full_video_adversarial"] = int(answer.predicted[0])
                        row["success_full_video"] = able and _reached(answer.correct[0], target)
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
        "about": provenance(setup) if about is None else dict(about),
        "unit": strength.axis.unit,
        "attack": attack.name,
        "eps": strength.printed,
        "clips": rows,
    }
    skipped = [{"path": str(bad.path), "reason": bad.reason} for bad in source.skipped]
    folder.write_json("results.json", {**content, "skipped": skipped})
    return rows


def _reached(correct: Tensor, target: Target | None) -> bool:
    """Tell whether the goal is met: the class is the target, or any but the label."""
    return bool(correct) == (target is not None)


def _changed_frames(clean: Tensor, changed: Tensor) -> list[int]:
    """List the frames of a clip in which any pixel differs."""
    frames = ((changed - clean).abs().amax(dim=(0, 2, 3)) > TOLERANCE).nonzero().flatten()
    return [int(frame) for frame in frames]


def _write_arrays(arrays: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors of one clip exactly."""
    with path.open("wb") as file:
        plain: dict[str, Any] = {name: one.cpu().numpy() for name, one in arrays.items()}
        np.savez_compressed(file, **plain)
