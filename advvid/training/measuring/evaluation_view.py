"""The clips of a data set as they are measured: in order, nothing random, each once."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from advvid.data.clip_dataset import ClipDataset, to_unit
from advvid.data.loader import ClipBatch, clip_loader
from advvid.training.records.history import History

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class EvaluationView:
    """Gives batches of any data set in its evaluation view: the share of this process.

    `batch_size` counts clips on a process; `history` lists the videos that cannot be read.
    """

    def __init__(
        self, fabric: "Fabric", history: History, *, batch_size: int, workers: int
    ) -> None:
        self.fabric, self.history = fabric, history
        self.batch_size, self.workers = batch_size, workers

    def __call__(self, data: ClipDataset) -> Iterator[ClipBatch]:
        """Give batches on the device, clips float32 in [0, 1]; none is empty."""
        device = self.fabric.device
        loader = clip_loader(
            data,
            batch_size=self.batch_size,
            keys=range(self.fabric.global_rank, len(data), self.fabric.world_size),
            workers=self.workers,
            pin_memory=device.type == "cuda",
        )
        for batch in loader:
            self.history.skip(batch.skipped)
            if len(batch.labels):
                labels = batch.labels.to(device, non_blocking=True)
                yield batch._replace(clips=to_unit(batch.clips, device), labels=labels)
