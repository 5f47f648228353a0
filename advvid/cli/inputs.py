"""From the options of a command to a classifier and labeled clips."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from advvid.data import ClipDataset, load_dataset
from advvid.data.source import DatasetClips
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.probe import probe_model
from advvid.models import VideoModel, load_model


@dataclass(frozen=True)
class Subject:
    """A model and a data set that go together, before any clip of it is read.

    Args:
        model: loaded.
        dataset: with the clip shape of the model.
        count: clips to take, as many as are wanted and there.
        table: int64 (K,): labels of the data set -> labels of the model; None takes the model's own
            predictions for labels.
        notes: what the user should read.
    """

    model: VideoModel
    dataset: ClipDataset
    count: int
    table: Tensor | None
    notes: list[str]

    def classifier(
        self, clip: Tensor, *, device: str | torch.device, precision: str
    ) -> VideoClassifier:
        """Make the classifier for clips like one (1, 3, T, H, W)."""
        return VideoClassifier(
            self.model,
            input_shape=tuple(clip.shape[1:]),
            nb_classes=probe_model(self.model, clip).shape[1],
            device=device,
            precision=precision,
        )

    def source(self, *, seed: int, workers: int) -> DatasetClips:
        """Give the clips, to be read when they are needed."""
        return DatasetClips(
            self.dataset,
            self.count,
            seed=seed,
            table=self.table,
            workers=workers,
            labels="predicted" if self.table is None else "true",
        )

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Classes as the model counts them, where they have names."""
        if self.model.classes is not None or self.table is None:
            return self.model.classes
        return self.dataset.classes

    @property
    def facts(self) -> dict[str, Any]:
        """What is worth keeping in config.json."""
        return {
            "model": self.model.spec,
            "data": self.dataset.name,
            "clips": self.count,
            "clip_shape": list(self.dataset.clip_shape),
        }


@dataclass(frozen=True)
class Inputs:
    """What a command works on that holds its clips in memory.

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


def load_subject(
    *,
    model: str,
    weights: str | None,
    data: str,
    clips: int,
    labels: str,
    frames: int | None,
    size: int | None,
    seed: int,
    **reading: Any,
) -> Subject:
    """Load a model, and a data set as the model wants its clips.

    Args:
        model: spec.
        weights: as for `load_model`.
        data: spec.
        clips: how many are wanted; 0 is all.
        labels: "true", or "predicted" by the model.
        frames: T; None takes the model's.
        size: H = W; None takes the model's.
        seed: of a generated data set.
        reading: further arguments of `load_dataset`.

    Raises:
        InputError: when model and clips do not go together, or either cannot be loaded.
    """
    if labels not in ("true", "predicted"):
        raise InputError(f"--labels takes true or predicted; got {labels!r}")
    if clips < 0:
        raise InputError(f"--clips must be at least 1, or 0 for all; got {clips}")
    video_model = load_model(model, weights=weights, frames=frames, size=size)
    shape = video_model.input_shape
    dataset = load_dataset(
        data,
        frames=frames or (shape[1] if shape else None),
        size=size or (shape[2] if shape else None),
        # A single video is cut into as many clips as are wanted.
        clips_per_video=max(1, clips) if Path(data).is_file() else 1,
        seed=seed,
        **reading,
    )
    count = min(clips, len(dataset)) if clips else len(dataset)
    notes = []
    if count < clips:
        notes.append(f"{data} has {count} clips in this split, not {clips}")
    if labels == "predicted" or min(dataset.labels, default=0) < 0:
        notes.append("labels are the model's own predictions: accuracy without attack is 1")
        return Subject(video_model, dataset, count, None, notes)
    table = match_labels(torch.arange(len(dataset.classes)), dataset.classes, video_model)
    return Subject(video_model, dataset, count, table, notes)


def load_inputs(*, clips: int, device: str, precision: str, seed: int, **options: Any) -> Inputs:
    """Load a model and draw clips for it into memory.

    Args:
        clips: how many are wanted, at least 1.
        device: as for `VideoClassifier`.
        precision: as for `VideoClassifier`.
        seed: of the draw.
        options: see `load_subject`.

    Raises:
        InputError: when model and clips do not go together, or either cannot be loaded.
    """
    if clips < 1:
        raise InputError(f"--clips must be at least 1; got {clips}")
    subject = load_subject(clips=clips, seed=seed, **options)
    batch, given = subject.dataset.sample(subject.count, seed=seed)
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
    notes = [*subject.notes, *(f"skipped {bad.path}: {bad.reason}" for bad in skipped)]
    return Inputs(classifier, batch, targets, facts, notes)


def read_class(text: str, subject: Subject) -> int:
    """Read a class, by its name or its number as the model counts it.

    Raises:
        InputError: when the model has no such class, with the nearest names.
    """
    names = subject.class_names or ()
    if text in names:
        return names.index(text)
    count = subject.model.num_classes or len(names)
    if text.isdigit() and int(text) < count:
        return int(text)
    near = difflib.get_close_matches(text, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"number them 0 to {count - 1}"
    raise InputError(f"{subject.model.spec} has no class {text!r}; {hint}")


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
