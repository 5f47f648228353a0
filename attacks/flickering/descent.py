"""Where attacks that minimize an objective start, and how they go on: Adam and sign steps."""

from typing import Annotated

import torch
from torch import Tensor

from advvid.methods import Setting, check_setting
from advvid.random_streams import uniform

Optimizer = Annotated[str, Setting("update rule", choices=("adam", "sign"))]
RandomStarts = Annotated[
    int, Setting("runs from random offsets, beside the one from none", at_least=0)
]

_BETA_1, _BETA_2, _TINY = 0.9, 0.999, 1e-8


def start_offsets(seeds: Tensor, clips: Tensor, run: int, bound: float) -> Tensor:
    """Give the offsets (B, 3, T, 1, 1) that a run starts from: none, then random in a bound.

    Args:
        seeds: int64 (B,), or (1,) for offsets that all clips share.
        clips: (n, 3, T, H, W).
        run: from 0 on.
        bound: of the absolute offset.
    """
    shape = (clips.shape[1], clips.shape[2], 1, 1)
    if run == 0:
        return clips.new_zeros(len(seeds), *shape)
    drawn = uniform(seeds, shape, stream="flicker start", draw=run - 1).to(clips)
    return (2 * drawn - 1) * bound


class DescentSteps:
    """Gives the step against a gradient, element by element, so that clips do not mix.

    Args:
        rule: "adam" (Kingma and Ba 2015, Alg. 1), or "sign".
        rate: learning rate, or the length of a sign step.

    Raises:
        InputError: for another rule.
    """

    def __init__(self, rule: str, rate: float) -> None:
        check_setting("optimizer", rule, Optimizer)
        self.rule = rule
        self.rate = rate
        self.count = 0
        self.mean = torch.zeros(())
        self.square = torch.zeros(())

    def step(self, gradient: Tensor) -> Tensor:
        """Give what to add, of the shape of the gradient."""
        gradient = gradient.nan_to_num(nan=0.0)
        if self.rule == "sign":
            return -self.rate * gradient.sign()
        if self.count == 0:
            self.mean, self.square = torch.zeros_like(gradient), torch.zeros_like(gradient)
        self.count += 1
        self.mean.lerp_(gradient, 1 - _BETA_1)
        self.square.lerp_(gradient.square(), 1 - _BETA_2)
        mean = self.mean / (1 - _BETA_1**self.count)
        square = self.square / (1 - _BETA_2**self.count)
        return -self.rate * mean / (square.sqrt() + _TINY)
