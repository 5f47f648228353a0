"""Clean loss and accuracy on held-out clips."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset
from advvid.data.loader import clip_loader, to_unit
from advvid.data.video.bad_video import BadVideo
from advvid.training.measuring.tally import Tally
from advvid.training.step import smoothed_cross_entropy

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@torch.no_grad()
def validate(
    fabric: "Fabric", model: nn.Module, data: ClipDataset, *, batch_size: int, workers: int
) -> tuple[Tensor, list[BadVideo]]:
    """Measure a model, in evaluation mode, on every clip once.

    Args:
        fabric: launched; the clips are shared among its processes.
        model: the bare module, left in evaluation mode.
        data: seen in its evaluation view.
        batch_size: clips at once on a process.
        workers: processes that load clips.

    Returns:
        Sums over the clips of this process that could be read (see `Tally`; cross-entropy without
        label smoothing), and its videos that could not.
    """
    model.eval()
    criterion = smoothed_cross_entropy(0.0)
    tally = Tally(fabric.device)
    skipped: list[BadVideo] = []
    loader = clip_loader(
        data,
        batch_size=batch_size,
        keys=range(fabric.global_rank, len(data), fabric.world_size),
        workers=workers,
        pin_memory=fabric.device.type == "cuda",
    )
    for batch in loader:
        skipped += batch.skipped
        if len(batch.labels):
            labels = batch.labels.to(fabric.device, non_blocking=True)
            with fabric.autocast():
                logits = model(to_unit(batch.clips, fabric.device))
            tally.add(criterion(logits, labels), logits, labels, 0)
    return tally.sums, skipped
