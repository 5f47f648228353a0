"""Predictions of a random model, averaged over several passes."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from advvid.inference.frozen import Model


class Averaged(nn.Module):
    """A model whose predicted probabilities are the mean of several passes.

    Args:
        model: clips -> logits (B, K), random.
        draws: passes for each prediction.
    """

    def __init__(self, model: Model, draws: int) -> None:
        super().__init__()
        self.model = model
        self.draws = draws

    def forward(self, clips: Tensor) -> Tensor:
        """Give the logarithms of the mean probabilities (B, K)."""
        return log_mean_probability([self.model(clips) for _ in range(self.draws)])


def averaged(model: Model, draws: int) -> Model:
    """Average a model over several passes; one pass is the model itself."""
    return model if draws == 1 else Averaged(model, draws)


def log_mean_probability(logits: Sequence[Tensor]) -> Tensor:
    """Give the logarithm of the mean probability of several answers, each (B, K)."""
    answers = torch.stack([one.log_softmax(1) for one in logits])
    # Without ever leaving the log.
    return answers.logsumexp(dim=0) - math.log(len(logits))
