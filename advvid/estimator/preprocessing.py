"""ART's preprocessors in front of a model, in PyTorch or not, with their gradient."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from advvid.errors import InputError
from advvid.estimator.adapted_model import AdaptedModel
from advvid.inference.layouts import LAYOUTS


class ClipModel(nn.Module):
    """A model for clips (B, C, T, H, W), behind preprocessors that see the caller's layout.

    Args:
        model: behind the layout of the caller.
        preprocessing: ART preprocessors, of which those that apply to predictions are used.
    """

    def __init__(self, model: AdaptedModel, preprocessing: Sequence[Any]) -> None:
        super().__init__()
        self.model = model
        self._preprocessing = preprocessing

    def forward(self, clips: Tensor) -> Tensor:
        """Classify clips (B, C, T, H, W)."""
        x = clips.permute(LAYOUTS[self.model.layout])
        for operation in self._preprocessing:
            if operation.apply_predict:
                x = _preprocess(operation, x)
        logits: Tensor = self.model(x)
        return logits


class TwoLogits(nn.Module):
    """Two logits (B, 2) of a model of two classes that has one output (B, 1), of the second.

    Args:
        model: clips -> one output.
        probability: whether the output is a probability, or a logit already.
    """

    def __init__(self, model: nn.Module, *, probability: bool) -> None:
        super().__init__()
        self.model, self.probability = model, probability

    def forward(self, clips: Tensor) -> Tensor:
        """Give log-odds against 0; softmax makes the probabilities of them."""
        output: Tensor = self.model(clips)
        if output.shape[1] != 1:
            return output
        odds = torch.logit(output, eps=1e-6) if self.probability else output
        return torch.cat([torch.zeros_like(odds), odds], dim=1)


def _preprocess(operation: Any, x: Tensor) -> Tensor:
    """Apply a preprocessor: its own values, with the gradient of its differentiable estimate.

    Source: backward pass differentiable approximation, Athalye et al. 2018, sec. 4.1.
    """
    if not isinstance(operation, PreprocessorPyTorch):
        processed: Tensor = _Numpy.apply(x, operation)
        return processed
    exact: Tensor = operation.forward(x)[0]
    own_estimate = type(operation).estimate_forward is not PreprocessorPyTorch.estimate_forward
    if not (own_estimate and x.requires_grad):
        return exact
    estimate: Tensor = operation.estimate_forward(x)
    return estimate + (exact - estimate).detach()


class _Numpy(torch.autograd.Function):
    """A preprocessor of arrays, with the gradient that it estimates itself (most: the identity)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, operation: Any) -> Tensor:
        array = x.detach().cpu().numpy()
        ctx.array, ctx.operation = array, operation
        # A copy: some preprocessors write into what they are given.
        processed = np.asarray(operation(array.copy())[0], dtype=np.float32)
        if processed.shape != array.shape:
            raise InputError(
                f"{type(operation).__name__} turns clips {array.shape} into {processed.shape}: "
                "take a preprocessor that keeps the shape"
            )
        return torch.from_numpy(np.ascontiguousarray(processed)).to(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        estimate = ctx.operation.estimate_gradient(ctx.array.copy(), gradient.cpu().numpy())
        return torch.from_numpy(np.ascontiguousarray(estimate, dtype=np.float32)).to(gradient), None
