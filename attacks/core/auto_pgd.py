"""One run of Auto-PGD on a batch: what it remembers, and its two schedules of steps."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from advvid.attacks.core.ascent import ascend, input_gradient, steepest_step_
from advvid.attacks.core.balls import L1Ball, NormBall
from advvid.attacks.core.frame_ranking import frame_mask, frame_sets
from advvid.attacks.core.linf_box import Box, wide
from advvid.attacks.core.losses import Loss, is_adversarial
from advvid.inference.frozen import Model

_MOMENTUM = 0.75
_RHO = 0.75
# Under L1: share of the pixels that the first step moves, how much fewer than the best point has
# changed the next ones do, what still counts as sparser, the smallest step.
_FIRST_SHARE, _SPARSER, _STILL_SPARSER, _LEAST_STEP = 0.2, 1.5, 0.95, 0.1

# With a budget of frames: sets of frames that are tried, the part of the steps that each try takes,
# and the fewest steps that leave enough for tries.
_SETS, _SHORT_RUN, _STEPS_FOR_SETS = 4, 10, 20


@dataclass(frozen=True)
class Ascent:
    """What runs of Auto-PGD on a batch share.

    Args:
        model: clips -> logits, in evaluation mode.
        labels: int64 (B,): true labels, or targets when `targeted`.
        loss: what rises, also toward a target.
        targeted: see `is_adversarial`.
        eps: budget, one number or (B, 1, 1, 1, 1).
        steps: of a run; its gradients are one more.
    """

    model: Model
    labels: Tensor
    loss: Loss
    targeted: bool
    eps: float | Tensor
    steps: int

    def at(self, clips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give gradient, loss (B,) and whether each clip is fooled, bool (B,), at some clips."""
        gradient, value, logits = input_gradient(self.model, clips, self.labels, self.loss)
        return gradient, value, is_adversarial(logits, self.labels, self.targeted)


class AutoPgdRun:
    """Iterate and best points of a batch; kept clip by clip, without a look from the host."""

    def __init__(self, ascent: Ascent, start: Tensor) -> None:
        self.ascent = ascent
        self.x = start
        self.previous = start
        self.gradient, self.value, self.fooled = ascent.at(start)
        self.best, self.best_value, self.best_gradient = start, self.value, self.gradient
        self.fooling, self.fooling_value = start, self.value

    @property
    def found(self) -> Tensor:
        """The iterate with the largest loss, an adversarial one before any other."""
        return torch.where(wide(self.fooled), self.fooling, self.best)

    def by_halving(self, ball: Box | NormBall, eps: float | Tensor, steps: int) -> None:
        """Take steps with momentum, of a length that halves where the loss rises too seldom.

        Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness", Algorithm 1.
        """
        count = len(self.x)
        eta = torch.full((count,), 2.0, device=self.x.device, dtype=self.x.dtype)
        rises = torch.zeros(count, device=self.x.device)
        halved = torch.ones(count, device=self.x.device, dtype=torch.bool)
        best_then = self.best_value
        ends = checkpoints(steps)
        last = 0
        for k in range(steps):
            before = self.value
            z = steepest_step_(self.x.clone(), self.gradient, wide(eta) * eps, ball)
            if k > 0:
                ahead = self.x + _MOMENTUM * (z - self.x)
                z = ball.project_(ahead + (1 - _MOMENTUM) * (self.x - self.previous))
            self.move_to(z)
            rises += (self.value > before).float()
            if k + 1 in ends:
                too_few = rises < _RHO * (k + 1 - last)
                stuck = ~halved & (best_then >= self.best_value)
                halved = too_few | stuck
                eta = torch.where(halved, eta / 2, eta)
                self.back_to_best(halved)
                best_then = self.best_value
                rises, last = torch.zeros_like(rises), k + 1

    def by_sparsity(self, ball: L1Ball, eps: float | Tensor, steps: int, *, fresh: bool) -> None:
        """Take steps in few pixels under L1: fewer where the best point has become sparser.

        A `fresh` run begins at noise, whose sparsity says nothing.

        Source: Croce and Hein 2021, "Mind the box: l1-APGD for sparse adversarial attacks on image
        classifiers", Algorithm 1, and the constants of their code.
        """
        every = max(1, int(0.04 * steps))
        pixels = self.x[0].numel()
        before = self._changed(ball)
        share = before / pixels / _SPARSER
        if fresh:
            share, before = torch.full_like(share, _FIRST_SHARE), torch.full_like(before, pixels)
        eta = torch.ones_like(share)
        for k in range(steps):
            stepping = replace(ball, share=share)
            step = wide(eta).to(self.x) * eps
            self.move_to(steepest_step_(self.x.clone(), self.gradient, step, stepping))
            if (k + 1) % every == 0:
                changed = self._changed(ball)
                sparser = changed < _STILL_SPARSER * before
                share = changed / pixels / _SPARSER
                eta = torch.where(sparser, 1.0, (eta / _SPARSER).clamp_min(_LEAST_STEP))
                self.back_to_best(sparser)
                before = changed

    def _changed(self, ball: L1Ball) -> Tensor:
        """Count the pixels of each clip that are not clean at its best point, float64 (B,)."""
        return (self.best != ball.clean).flatten(1).sum(dim=1).double()

    def move_to(self, clips: Tensor) -> None:
        """Take a point as the next iterate, and look at the loss there."""
        self.previous, self.x = self.x, clips
        self.gradient, self.value, fooled = self.ascent.at(self.x)
        better = fooled & (~self.fooled | (self.value > self.fooling_value))
        self.fooling = torch.where(wide(better), self.x, self.fooling)
        self.fooling_value = torch.where(better, self.value, self.fooling_value)
        self.fooled = self.fooled | fooled
        higher = self.value > self.best_value
        self.best = torch.where(wide(higher), self.x, self.best)
        self.best_gradient = torch.where(wide(higher), self.gradient, self.best_gradient)
        self.best_value = torch.where(higher, self.value, self.best_value)

    def back_to_best(self, chosen: Tensor) -> None:
        """Let some clips resume from the best point so far."""
        self.x = torch.where(wide(chosen), self.best, self.x)
        self.gradient = torch.where(wide(chosen), self.best_gradient, self.gradient)
        self.value = torch.where(chosen, self.best_value, self.value)


def run_in_frames(
    ascent: Ascent, clean: Tensor, box: Box, noise: Tensor, frames: int, restart: int
) -> AutoPgdRun:
    """Run in the set of frames that a few short ascents find the best, of each clip its own.

    The first-order gain of every frame, what moving all of it to the ends of its box would add to
    the loss, tells which sets are tried: the best ones, those after them in later restarts. The
    gradients are one more than the steps.
    """
    gradient, _, _ = ascent.at(clean)
    ahead = torch.where(gradient > 0, box.upper - clean, box.lower - clean) * gradient
    gains = ahead.nan_to_num_(nan=0.0).sum(dim=(1, 3, 4))
    total = clean.shape[2]
    tried = _SETS if ascent.steps >= _STEPS_FOR_SETS else 1
    sets = frame_sets(gains, min(frames, total), restart * tried, tried)
    short = ascent.steps // _SHORT_RUN if len(sets) > 1 else 0
    best_value = torch.full_like(gains[:, 0], -torch.inf)
    best, chosen = clean, sets[0]
    for inside in sets:
        own = box.within(frame_mask(inside), clean)
        x = ascend(
            ascent.model,
            own.at(noise),
            ascent.labels,
            loss=ascent.loss,
            ball=own,
            step=ascent.eps,
            steps=short,
            falling=True,
        )
        # Of a single set there is nothing to compare.
        value = torch.zeros_like(best_value)
        if len(sets) > 1:
            with torch.no_grad():
                value = ascent.loss(ascent.model(x), ascent.labels).to(best_value)
        better = value > best_value
        best = torch.where(wide(better), x, best)
        chosen = torch.where(better[:, None], inside, chosen)
        best_value = torch.where(better, value, best_value)
    run = AutoPgdRun(ascent, best)
    left = ascent.steps - 1 - short * len(sets)
    run.by_halving(box.within(frame_mask(chosen), clean), ascent.eps, left)
    return run


def checkpoints(steps: int) -> set[int]:
    """Give the steps after which the step size is looked at.

    p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j - p_{j-1} - 0.03, 0.06); w_j = ceil(p_j N) <= N.

    Source: Croce and Hein 2020, sec. 4.1.
    """
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    # Guards against 0.22 * 100 = 22.000000000000004.
    ends = {math.ceil(share * steps - 1e-9) for share in shares}
    return {end for end in ends if 1 <= end <= steps}
