"""Load a model and the clips that go with it, to attack it or to train it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from advvid.data import ClipDataset, load_dataset
from advvid.data.registry import is_video_file, read_options
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.models import VideoModel, load_model
from advvid.pairing.classes import match_head, match_labels
from advvid.pairing.subject import Subject

_MOST = 100_000  # clips of a video


def load_subject(
    model: str,
    data: str | Sequence[str],
    *,
    weights: str | None = None,
    mean: str | None = None,
    std: str | None = None,
    layout: str | None = None,
    clips: int = 0,
    labels: str = "true",
    frames: int | None = None,
    size: int | None = None,
    seed: int = 0,
    **reading: Any,
) -> Subject:
    """Load a model, and a data set with clips as the model takes them.

    Args:
        model: spec, as for `load_model`.
        data: spec, or several, as for `load_dataset`.
        weights: as for `load_model`, like `mean`, `std` and `layout`.
        clips: how many are wanted; 0 takes all.
        labels: "true", or "predicted" for the model's own predictions.
        frames: T; None takes the model's.
        size: H = W in pixels; None takes the model's.
        seed: of a generated data set.
        reading: further arguments of `load_dataset`.

    Raises:
        InputError: when model and clips do not go together, or either cannot be loaded.
    """
    if labels not in ("true", "predicted"):
        raise InputError(f"labels must be true or predicted; got {labels!r}")
    if clips < 0:
        raise InputError(f"clips must be at least 1, or 0 for all; got {clips}")
    # Before the model is loaded: an invalid argument should show at once.
    read_options(frames=frames, size=size, seed=seed, **reading)
    files = [data] if isinstance(data, str) else data
    from_files = all(map(is_video_file, files))
    video_model = load_model(
        model, weights=weights, frames=frames, size=size, mean=mean, std=std, layout=layout
    )
    reading["frames"], reading["size"] = _shape(video_model, frames, size)
    dataset = load_dataset(
        data,
        # Single videos are cut into as many clips as are wanted.
        clips_per_video=min(max(1, -(-clips // len(files))), _MOST) if from_files else 1,
        seed=seed,
        **reading,
    )
    count = min(clips, len(dataset)) if clips else len(dataset)
    notes = []
    if count < clips:
        split = reading.get("split", "test")
        of_split = f"clips in the split {split}"
        if split != "all" and min(dataset.labels, default=0) >= 0:
            of_split += " (split all has all)"
        what = "different clips" if from_files else of_split
        notes.append(f"{dataset.name} has {count} {what}, not {clips}")
    if labels == "predicted" or min(dataset.labels, default=0) < 0:
        unknown = "" if labels == "predicted" else f"{dataset.name} has no labels: "
        notes.append(
            f"{unknown}labels are the model's own predictions: accuracy without attack is 1"
        )
        return Subject(video_model, dataset, count, None, notes)
    table = match_labels(torch.arange(len(dataset.classes)), dataset.classes, video_model)
    return Subject(video_model, dataset, count, table, notes)


@dataclass(frozen=True)
class ClipsInMemory:
    """A classifier with labeled clips that are all in memory.

    Args:
        classifier: around the model.
        clips: float32 (N, 3, T, H, W) in [0, 1].
        labels: int64 (N,), as the model counts its classes.
        videos: names of the independent videos of the clips (N,), see `ClipOrigin.unit`.
        facts: what is worth keeping in config.json.
        notes: what the user should read.
    """

    classifier: VideoClassifier
    clips: Tensor
    labels: Tensor
    videos: list[str]
    facts: dict[str, Any]
    notes: list[str]


def load_in_memory(
    model: str,
    data: str | Sequence[str],
    *,
    clips: int,
    device: str = "auto",
    precision: str = "float32",
    seed: int = 0,
    **options: Any,
) -> ClipsInMemory:
    """Load a model and draw clips for it into memory.

    Args:
        model: as all other arguments, see `load_subject`.
        clips: how many are wanted, at least 1.
        device: see `VideoClassifier`, as `precision`.

    Raises:
        InputError: when model and clips do not go together, or either cannot be loaded.
    """
    if clips < 1:
        raise InputError(f"clips must be at least 1; got {clips}")
    subject = load_subject(model, data, clips=clips, seed=seed, **options)
    batch, given, origins = subject.dataset.draw(subject.count, seed=seed)
    classifier = subject.classifier(batch[:1], device=device, precision=precision)
    skipped = subject.dataset.skipped
    if subject.table is None:
        targets = classifier.logits(batch).argmax(dim=1).cpu()
    else:
        targets = subject.table[given]
    facts = {
        **subject.facts,
        "device": str(classifier.device),
        "skipped": [{"path": str(bad.path), "reason": bad.reason} for bad in skipped],
    }
    notes = [*subject.notes, *(bad.line for bad in skipped)]
    videos = [origin.unit for origin in origins]
    return ClipsInMemory(classifier, batch, targets, videos, facts, notes)


def load_training(
    model: str,
    data: str | Sequence[str],
    *,
    weights: str | None = None,
    mean: str | None = None,
    std: str | None = None,
    layout: str | None = None,
    frames: int | None = None,
    size: int | None = None,
    **reading: Any,
) -> tuple[VideoModel, ClipDataset, ClipDataset]:
    """Load a model with the classes of a data set, and its train and val clips as it takes them.

    Args:
        model: as all other arguments, see `load_subject`.

    Raises:
        InputError: when model or data cannot be loaded.
    """
    read_options(frames=frames, size=size, **reading)
    # No video is opened yet, so that the classes can be asked for before the shape is known.
    classes = load_dataset(data, split="train", frames=frames, size=size, **reading).classes
    loaded = load_model(
        model,
        num_classes=len(classes),
        weights=weights,
        frames=frames,
        size=size,
        mean=mean,
        std=std,
        layout=layout,
    )
    match_head(loaded, classes)
    frames, size = _shape(loaded, frames, size)
    train_data, val_data = (
        load_dataset(data, split=split, frames=frames, size=size, **reading)
        for split in ("train", "val")
    )
    return loaded, train_data, val_data


def _shape(model: VideoModel, frames: int | None, size: int | None) -> tuple[int | None, ...]:
    """T and H = W of the clips that a model takes, where they are not given."""
    _, own_frames, own_size, _ = model.input_shape or (None,) * 4
    return frames or own_frames, size or own_size
