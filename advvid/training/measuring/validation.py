"""Clean loss and accuracy on held-out clips."""

import torch
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset
from advvid.training.labels import smoothed_cross_entropy
from advvid.training.measuring.evaluation_view import EvaluationView
from advvid.training.measuring.tally import Tally


@torch.no_grad()
def validate(view: EvaluationView, model: nn.Module, data: ClipDataset) -> Tensor:
    """Measure a model, in evaluation mode, on every clip once.

    Args:
        view: gives the clips.
        model: the bare module, left in evaluation mode.
        data: the clips.

    Returns:
        Sums over the clips of this process that could be read (see `Tally`; cross-entropy without
        label smoothing).
    """
    model.eval()
    criterion = smoothed_cross_entropy(0.0)
    tally = Tally(view.fabric.device)
    for batch in view(data):
        with view.fabric.autocast():
            logits = model(batch.clips)
        tally.count(criterion(logits, batch.labels), logits, batch.labels)
    return tally.sums[0]
