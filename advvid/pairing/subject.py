"""What an evaluation or an attack is about: a model, and clips that it can classify."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from advvid.data import ClipDataset
from advvid.data.clip_source import DatasetClips
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.probe import probe_model
from advvid.models import VideoModel


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
        self, clip: Tensor, *, device: str | torch.device = "auto", precision: str = "float32"
    ) -> VideoClassifier:
        """Make the classifier for clips like one (1, 3, T, H, W)."""
        return VideoClassifier(
            self.model,
            input_shape=tuple(clip.shape[1:]),
            nb_classes=probe_model(self.model, clip).shape[1],
            device=device,
            precision=precision,
        )

    def source(self, *, seed: int = 0, workers: int = 0) -> DatasetClips:
        """Give the clips, to be read when they are needed.

        Args:
            seed: of the draw.
            workers: processes that read clips.
        """
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
