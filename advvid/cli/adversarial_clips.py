"""What `advvid attack` writes and prints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import typer
from torch import Tensor

from advvid.attacks.core.video_attack import Attacked, VideoAttack
from advvid.attacks.spec import AttackSpec, attack_caption
from advvid.data.loader import ClipBatch
from advvid.data.source import DatasetClips
from advvid.data.video.writing import write_video
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation.conditions.bound import held_to_bound
from advvid.evaluation.judge import judge
from advvid.figures.animation import comparison_picture
from advvid.runs.progress import progress_bar
from advvid.runs.run_folder import RunFolder

_PICTURED = 3


def write_clips(
    folder: RunFolder,
    classifier: VideoClassifier,
    attack: VideoAttack,
    spec: AttackSpec,
    source: DatasetClips,
    *,
    eps: float,
    target: int | None,
    classes: tuple[str, ...] | None,
    batch_size: int,
    fps: int,
) -> None:
    """Attack all clips of a source, a batch at a time, and write what comes out.

    Args:
        folder: of the run.
        classifier: under attack.
        attack: built for it.
        spec: what it was built from.
        source: of the clips.
        eps: budget, unless the attack has its own.
        target: class that the clips are to look like, or None.
        classes: names, as the model counts them, or None.
        batch_size: clips at once.
        fps: frames a second of the videos.
    """
    budget = spec.eps if spec.eps is not None else eps
    rows: list[dict[str, Any]] = []
    shown: list[tuple[Tensor, Tensor, str]] = []
    with progress_bar("Attack", len(source)) as advance:
        for part in source.batches(range(len(source)), batch_size):
            before = classifier.logits(part.clips).argmax(dim=1).cpu()
            labels = before if part.labels is None else part.labels.cpu()
            goals = labels if target is None else torch.full_like(labels, target)
            attacked = attack.attack_clips(part.clips, goals, positions=part.indices)
            adversarial = held_to_bound(
                spec.text, part.clips, attacked, eps=budget, norm=spec.entry.norm
            )
            after = judge(classifier, adversarial, goals)
            for i, place in enumerate(part.indices.tolist()):
                name = f"{place:04d}"
                write_video(folder.path / f"{name}.mkv", adversarial[i], fps=fps)
                folder.write(f"{name}.npz", _arrays(part, attacked._replace(clips=adversarial), i))
                won = bool(after.correct[i]) == (target is not None)
                rows.append(
                    {
                        "clip": source.dataset.identity(int(source.indices[place])),
                        "file": f"{name}.mkv",
                        "label": int(labels[i]),
                        "predicted": int(before[i]),
                        "adversarial": int(after.predicted[i]),
                        "success": won,
                        "success_8bit": bool(after.correct_8bit[i]) == (target is not None),
                        "linf": float((adversarial[i] - part.clips[i]).abs().max()) * 255,
                        "loss": round(float(after.loss[i]), 6),
                    }
                )
                if len(shown) < _PICTURED:
                    names = [_name(k, classes) for k in (rows[-1]["predicted"], after.predicted[i])]
                    shown.append((part.clips[i].cpu(), adversarial[i].cpu(), " -> ".join(names)))
            advance(len(part.clips))
    if shown:
        clean, changed, titles = zip(*shown, strict=True)
        comparison_picture(
            folder.path / "comparison.gif",
            torch.stack(clean),
            torch.stack(changed),
            titles=list(titles),
            caption=attack_caption(spec, budget),
            fps=fps,
        )
    skipped = [{"path": str(bad.path), "reason": bad.reason} for bad in source.skipped]
    folder.write_json(
        "results.json",
        {
            "unit": "1/255",
            "attack": spec.text,
            "eps": budget * 255,
            "clips": rows,
            "skipped": skipped,
        },
    )
    _print(rows, classes, folder.path)


def _arrays(part: ClipBatch[Tensor | None], attacked: Attacked, i: int) -> Callable[[Path], None]:
    """Give a function that writes one clip exactly, with what the attack reports of it."""
    arrays: dict[str, Any] = {
        "clean": part.clips[i].cpu().numpy(),
        "adversarial": attacked.clips[i].cpu().numpy(),
        **{name: values[i].cpu().numpy() for name, values in attacked.report.items()},
    }

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    return write


def _print(rows: list[dict[str, Any]], classes: tuple[str, ...] | None, path: Path) -> None:
    for row in rows[:20]:
        rounded = "" if row["success_8bit"] == row["success"] else ", not after rounding to 8 bits"
        typer.echo(
            f"{row['file']}: {_name(row['predicted'], classes)} -> "
            f"{_name(row['adversarial'], classes)}"
            f" ({'success' if row['success'] else 'no success'}{rounded})"
        )
    if len(rows) > 20:
        typer.echo(f"... and {len(rows) - 20} more")
    won = sum(row["success"] for row in rows)
    won_8bit = sum(row["success_8bit"] for row in rows)
    typer.echo(f"{won} of {len(rows)} succeed, {won_8bit} after rounding to 8 bits")
    typer.echo(f"results: {path}")


def _name(label: int | Tensor, classes: tuple[str, ...] | None) -> str:
    return str(int(label)) if classes is None else classes[int(label)]
