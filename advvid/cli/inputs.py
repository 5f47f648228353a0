"""From the options of a command to a classifier and labeled clips."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from advvid.data import load_dataset
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.models import VideoModel, load_model
from advvid.probe import probe_model


@dataclass(frozen=True)
class Inputs:
    """What a command works on.

    Args:
        classifier: around the model.
        clips: float32 (N, 3, T, H, W) in [0, 1].
        labels: int64 (N,), as the model counts its classes.
        facts: what is worth keeping in config.json.
        notes: what the user should read.
    """

    classifier: VideoClassifier
    clips: Tensor
    labels: Tensor
    facts: dict[str, Any]
    notes: list[str]


def load_inputs(
    *,
    model: str,
    weights: str | None,
    data: str,
    clips: int,
    labels: str,
    frames: int | None,
    size: int | None,
    device: str,
    precision: str,
    seed: int,
    **reading: Any,
) -> Inputs:
    """Load a model and draw clips for it.

    Args:
        model: spec.
        weights: as for `load_model`.
        data: spec.
        clips: how many are wanted.
        labels: "true", or "predicted" by the model.
        frames: T; None takes the model's.
        size: H = W; None takes the model's.
        device: as for `VideoClassifier`.
        precision: as for `VideoClassifier`.
        seed: of the draw.
        reading: further arguments of `load_dataset`.

    Raises:
        InputError: when model and clips do not go together, or either cannot be loaded.
    """
    if labels not in ("true", "predicted"):
        raise InputError(f"--labels takes true or predicted; got {labels!r}")
    if clips < 1:
        raise InputError(f"--clips must be at least 1; got {clips}")
    video_model = load_model(model, weights=weights, frames=frames, size=size)
    shape = video_model.input_shape
    dataset = load_dataset(
        data,
        frames=frames or (shape[1] if shape else None),
        size=size or (shape[2] if shape else None),
        # A single video is cut into as many clips as are wanted.
        clips_per_video=clips if Path(data).is_file() else 1,
        seed=seed,
        **reading,
    )
    count = min(clips, len(dataset))
    batch, given = dataset.sample(count, seed=seed)
    classifier = VideoClassifier(
        video_model,
        input_shape=tuple(batch.shape[1:]),
        nb_classes=probe_model(video_model, batch[:1]).shape[1],
        device=device,
        precision=precision,
    )
    notes = []
    if count < clips:
        notes.append(f"{data} has {count} clips in this split, not {clips}")
    notes += [f"skipped {bad.path}: {bad.reason}" for bad in dataset.skipped]
    if labels == "predicted" or int(given.min()) < 0:
        notes.append("labels are the model's own predictions: accuracy without attack is 1")
        targets = classifier.logits(batch).argmax(dim=1).cpu()
    else:
        targets = match_labels(given, dataset.classes, video_model)
    facts = {
        "model": video_model.spec,
        "data": dataset.name,
        "clips": count,
        "clip_shape": list(batch.shape[1:]),
        "device": str(classifier.device),
        "skipped": [{"path": str(bad.path), "reason": bad.reason} for bad in dataset.skipped],
    }
    return Inputs(classifier, batch, targets, facts, notes)


def match_labels(labels: Tensor, names: tuple[str, ...], model: VideoModel) -> Tensor:
    """Translate the labels of a data set into those of a model, by class name where it has names.

    Args:
        labels: int64 (N,), indices into `names`.
        names: classes of the data set.
        model: the model that will be asked.

    Raises:
        InputError: when the classes do not match.
    """
    hint = "fine-tune it with `advvid train`, or pass --labels predicted"
    if model.classes is not None:
        missing = [name for name in names if name not in model.classes]
        if missing:
            raise InputError(
                f"{model.spec} does not know {len(missing)} of the {len(names)} classes of the "
                f"data, such as {missing[0]!r}: {hint}"
            )
        table = torch.tensor([model.classes.index(name) for name in names])
        return table[labels]
    if model.num_classes is not None and model.num_classes != len(names):
        raise InputError(
            f"{model.spec} has {model.num_classes} classes and the data {len(names)}: {hint}"
        )
    return labels
