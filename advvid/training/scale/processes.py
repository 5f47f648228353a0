"""What the processes of a run exchange; with one process, nothing."""

from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor, nn

from advvid.data.video.bad_video import BadVideo
from advvid.training.mode import normalizations

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def over_processes(fabric: "Fabric", tensor: Tensor, how: Literal["sum", "max"]) -> Tensor:
    """Reduce a tensor over all processes; the given one is not changed."""
    if fabric.world_size == 1:
        return tensor
    gathered = _gathered(tensor)
    return gathered.sum(0) if how == "sum" else gathered.amax(0)


def _gathered(tensor: Tensor) -> Tensor:
    """Stack the tensors of all processes, (processes, ...)."""
    parts = [torch.empty_like(tensor) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(parts, tensor.contiguous())
    return torch.stack(parts)


class Share(NamedTuple):
    """What a process contributes to a step."""

    weight: float
    """Factor of its mean loss, so that the mean over processes is the mean over clips; 0, for all
    of them, when one has no clip because its videos could not be read: a gradient needs every
    process, so all pass over the step."""
    fewest: int
    """Clips of the process that has fewest."""


def batch_share(fabric: "Fabric", count: int) -> Share:
    """Weigh the `count` clips of a process in a step against those of the others."""
    if fabric.world_size == 1:
        return Share(float(count > 0), count)
    counts = _gathered(torch.tensor(count, device=fabric.device))
    fewest = int(counts.min())
    if fewest == 0:
        return Share(0.0, 0)
    return Share(count * fabric.world_size / int(counts.sum()), fewest)


def average_batch_norm(fabric: "Fabric", model: nn.Module) -> None:
    """Give all processes the mean of their batch-norm statistics, so that they measure alike."""
    if fabric.world_size == 1:
        return
    for norm in normalizations(model):
        for statistics in (norm.running_mean, norm.running_var):
            if statistics is not None:
                statistics.copy_(over_processes(fabric, statistics, "sum") / fabric.world_size)


def all_videos(fabric: "Fabric", videos: list[BadVideo]) -> list[BadVideo]:
    """Join the lists of all processes, each video once."""
    if fabric.world_size == 1:
        return videos
    gathered: list[list[BadVideo] | None] = [None] * fabric.world_size
    torch.distributed.all_gather_object(gathered, videos)
    return list(dict.fromkeys(video for part in gathered for video in part or []))
