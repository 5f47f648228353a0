"""A model and clips in any form that a caller has them in, as a classifier and a source."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from advvid.checks import check_clips, check_labels
from advvid.data import ClipDataset, ClipSource, MemoryClips, as_source
from advvid.data.clip_origin import unit_numbers, video_names
from advvid.errors import InputError
from advvid.estimator import VideoClassifier, as_classifier
from advvid.estimator.clip_interface import Array
from advvid.methods.kinds import CONVERTED

GivenModel = Annotated[VideoClassifier | nn.Module, CONVERTED]
"""A classifier, or a module from clips (B, 3, T, H, W) in [0, 1] to logits (B, K)."""

GivenClips = Annotated[
    Array | Tensor | ClipSource | ClipDataset | Dataset[Any] | DataLoader[Any], CONVERTED
]
"""Clips in memory, or what reads them when they are needed."""

GivenLabels = Annotated[Array | Tensor | None, CONVERTED]
"""int (N,) or one-hot (N, K)."""

GivenVideos = Annotated[Sequence[str | int] | None, CONVERTED]
"""Name or number of the video of each clip (N,)."""

_AT_ONCE = 64


def as_subject(
    model: Any, clips: Any, labels: Any = None, videos: Any = None
) -> tuple[VideoClassifier, ClipSource]:
    """Bring a model, clips and labels into the form that everything here works with.

    Args:
        model: a `VideoClassifier`, or a module, which is run once; see `as_classifier`.
        clips: (N, 3, T, H, W) in [0, 1], in the layout of the classifier; a `ClipSource`, a data
            set of `advvid.load_dataset`, a torch `Dataset` or a `DataLoader`, see `as_source`.
        labels: int (N,) or one-hot (N, K), of clips in memory; None stands for predictions.
        videos: name or number of the video of each clip (N,), of clips that do not tell
            themselves; None takes each for a video of its own.

    Raises:
        InputError: when they cannot be used, or do not go together.
    """
    if not isinstance(clips, np.ndarray | Tensor):
        source = as_source(clips, videos=videos)
        if labels is not None:
            raise InputError("a source of clips brings its labels along: leave labels out")
        if len(source) == 0:
            raise InputError("clips are empty: hand in at least one")
        return _classifier_of(model, source), source
    if isinstance(model, VideoClassifier):
        data = model.to_clips(clips).detach()
        check_clips(data, input_shape=model.clip_shape)
    else:
        data = torch.as_tensor(clips).detach()
        check_clips(data)
        data = data.to(torch.float32)
    names = None if videos is None else video_names(videos, len(data))
    classifier = as_classifier(model, data)
    if labels is None:
        return classifier, MemoryClips(data, None, names)
    targets = classifier.to_labels(labels).to(data.device)
    check_labels(targets, len(data), classifier.nb_classes)
    return classifier, MemoryClips(data, targets, names)


class ReadClips(NamedTuple):
    """All clips of a source that can be read."""

    clips: Tensor
    """float32 (N, 3, T, H, W) in [0, 1]."""
    labels: Tensor | None
    """int64 (N,), or None where they are not known."""
    videos: npt.NDArray[np.int64]
    """Number of the independent video of each clip (N,), see `ClipOrigin.unit`."""


def in_memory(source: ClipSource) -> ReadClips:
    """Read all clips of a source.

    Raises:
        InputError: when not one can be read.
    """
    batches = list(source.batches(range(len(source)), _AT_ONCE))
    if not batches:
        raise InputError("no clip can be read: repair the videos")
    known = [batch.labels for batch in batches if batch.labels is not None]
    places = [int(place) for batch in batches for place in batch.indices]
    return ReadClips(
        torch.cat([batch.clips for batch in batches]),
        torch.cat(known) if len(known) == len(batches) else None,
        unit_numbers(map(source.origin, places)),
    )


def _classifier_of(model: Any, source: ClipSource) -> VideoClassifier:
    if isinstance(model, VideoClassifier):
        return model
    for batch in source.batches(range(len(source)), 1):
        return as_classifier(model, batch.clips)
    raise InputError("no clip can be read: repair the videos")
