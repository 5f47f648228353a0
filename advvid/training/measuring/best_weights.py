"""The best weights of a run so far, chosen by their score on validation clips."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class BestWeights:
    """Weights of the best epoch; adversarial training overfits, so that is seldom the last.

    Attributes:
        epoch: counted from 1; None before the first.
        score: larger is better; later numbers decide between equal earlier ones.
        weights: state dict on the CPU.

    Source: Rice, Wong and Kolter 2020, "Overfitting in adversarially robust deep learning".
    """

    def __init__(self) -> None:
        self.epoch: int | None = None
        self.score: tuple[float, ...] = ()
        self.weights: dict[str, Tensor] = {}

    def offer(self, model: nn.Module, score: Sequence[float], epoch: int) -> bool:
        """Keep the weights of a model when its score beats all before it; epochs count from 1."""
        if not tuple(score) > self.score:
            return False
        self.epoch, self.score = epoch, tuple(score)
        self.weights = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
        return True

    def waited(self, epoch: int) -> int:
        """Give the number of epochs since the best."""
        return 0 if self.epoch is None else epoch - self.epoch

    def state_dict(self) -> dict[str, Any] | None:
        """Give what goes into a checkpoint."""
        if self.epoch is None:
            return None
        return {"epoch": self.epoch, "score": list(self.score), "model": self.weights}

    def load_state_dict(self, state: Mapping[str, Any] | None) -> None:
        """Take up what `state_dict` gave."""
        if state is not None:
            self.epoch, self.score = state["epoch"], tuple(state["score"])
            self.weights = dict(state["model"])


@contextmanager
def holding(model: nn.Module, weights: Mapping[str, Tensor]) -> Iterator[None]:
    """Put other weights, if any, into a model, and its own back on the way out."""
    if not weights:
        yield
        return
    own = {k: v.detach().clone() for k, v in model.state_dict().items()}
    try:
        model.load_state_dict(weights)
        yield
    finally:
        with torch.no_grad():
            model.load_state_dict(own)
