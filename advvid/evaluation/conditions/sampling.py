"""Which frames of a video are classified, and how many clips of it."""

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor

from advvid.data.clip_dataset import ClipDataset, to_unit
from advvid.data.clip_source import DatasetClips
from advvid.data.loader import ClipBatch, clip_loader
from advvid.data.video.bad_video import BadVideoError
from advvid.errors import InputError
from advvid.evaluation.condition import Axis, Condition, Outcome, Setup, Strength
from advvid.methods import Setting, check_settings

CLIPS = Axis("clips", unit="", kind="sampling")


@dataclass(eq=False)
class Sampling(Condition):
    """Clips of the same videos, sampled in another way; their softmax scores are averaged.

    One clip a video is clip level; 4 uniform or 8 dense ones are the video level of the paper.

    Source: Yi et al. 2021, "Benchmarking the robustness of spatial-temporal models against
    corruptions", sec. 4.1.
    """

    kind: Annotated[
        Literal["uniform", "dense"],
        Setting("uniform: one frame from each of T equal segments; dense: T frames at a stride"),
    ] = "uniform"
    clips: Annotated[int, Setting("clips of each video, scores averaged", at_least=1)] = 1
    stride: Annotated[
        int | None, Setting("distance of two frames of a dense clip", unit="frames", at_least=1)
    ] = None

    def __post_init__(self) -> None:
        check_settings(self)
        self.settings = dict(vars(self))
        self.name = self.kind if self.stride is None else f"{self.kind}:stride={self.stride}"
        self.group = f"{self.kind} sampling"
        self.strength = Strength(self.clips, CLIPS)
        self.views = self.clips
        self._videos: tuple[DatasetClips, ClipDataset] | None = None

    def plan(self, setup: Setup) -> Sequence[Condition]:
        """Look for the videos that the clips come from.

        Raises:
            InputError: when the clips do not come from a data set of videos.
        """
        if not isinstance(setup.source, DatasetClips):
            raise InputError(
                "sampling reads videos again, and these clips come from none: evaluate a data set "
                "(advvid.evaluation.DatasetClips)"
            )
        ready = copy(self)
        sampled = setup.source.dataset.resampled(self.kind, self.clips, self.stride)
        ready._videos = setup.source, sampled
        return [ready]

    def apply(self, batch: ClipBatch, seeds: Tensor) -> Outcome:
        """Read the clips of each video of a batch."""
        del seeds
        if self._videos is None:
            raise InputError("sampling reads no videos before it is planned: call plan")
        source, dataset = self._videos
        places = source.indices[batch.indices.cpu().numpy()]
        videos = [source.dataset.video_number(int(place)) for place in places]
        keys = [video * self.clips + k for video in videos for k in range(self.clips)]
        # Every worker reads one share.
        size = math.ceil(len(keys) / max(1, source.workers))
        found = list(clip_loader(dataset, batch_size=size, keys=keys, workers=source.workers))
        for bad in (bad for share in found for bad in share.skipped):
            # An average over the clips that happen to be readable would be another condition.
            raise BadVideoError(bad)
        return Outcome(torch.cat([to_unit(share.clips, batch.clips.device) for share in found]))
