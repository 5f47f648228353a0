"""Auto-PGD: PGD with momentum and an adaptive step size."""

import math

import torch
from torch import Tensor

from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.linf_box import Box, linf_box, per_clip, wide
from advvid.attacks.core.losses import Loss, is_adversarial, resolve_loss
from advvid.attacks.core.settings import ClipBudget, LossName, Runs, Steps
from advvid.attacks.core.sign_gradient import input_gradient, sign_step_
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack, batch_budget
from advvid.errors import InputError
from advvid.inference.frozen import Model, frozen
from advvid.random_streams import seeds_of, uniform

_MOMENTUM = 0.75
_RHO = 0.75


@clip_attack
def apgd(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    steps: int = 100,
    restarts: int = 1,
    loss: str | Loss = "ce",
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Attack clips by Auto-PGD under an L-infinity bound.

    z = P(x_k + eta sign(grad)), x_{k+1} = P(x_k + 0.75 (z - x_k) + 0.25 (x_k - x_{k-1})), from a
    random start. eta begins at 2 eps; at checkpoints it halves, clip by clip, when the loss has
    risen in less than 0.75 of the steps since the last one, or when neither eta nor the best loss
    have changed; then the run resumes from the best point.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,): true labels, or targets when `targeted`.
        eps: budget in (0, 1], one for all or (B,).
        steps: gradient steps; each run takes one gradient more.
        restarts: independent runs; a clip that is fooled, in 8 bits too, is left alone by later
            ones.
        loss: "ce", "dlr", "cw", or a function (logits, labels) -> (B,).
        targeted: make the clip look like its label instead of unlike it.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        seed: of the starts: a number, a generator, or one number a clip, int64 (B,).

    Returns:
        Adversarial clips (B, 3, T, H, W): of each the iterate with the largest loss, an adversarial
        one before any other.

    Raises:
        InputError: when clips, budget, steps or mask cannot be used.

    Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness", Algorithm 1.
    """
    clips = checked_batch(clips, labels, eps=eps, steps=steps, restarts=restarts)
    score = resolve_loss(loss)

    def signed(logits: Tensor, labels: Tensor) -> Tensor:
        return -score(logits, labels) if targeted else score(logits, labels)

    seeds = seeds_of(seed, clips)
    box = linf_box(clips, eps, mask)
    reach = eps if isinstance(eps, float | int) else per_clip(eps, clips)
    result = clips.clone()
    settled = Settled(model, clips, labels, eps, targeted)
    left = torch.arange(len(clips), device=clips.device)
    fooled = torch.zeros(len(clips), dtype=torch.bool, device=clips.device)
    with frozen(model):
        for restart in range(restarts):
            noise = uniform(seeds[left], clips.shape[1:], stream="apgd start", draw=restart)
            inside = box.select(left)
            run = _Run(model, inside.at(noise.to(clips.dtype)), labels[left], signed, targeted)
            own_reach = reach[left] if isinstance(reach, Tensor) else reach
            found = run.steps(inside, own_reach, steps)
            # What fooled the model, if not in 8 bits, gives way to nothing that does not.
            taken = run.fooled | ~fooled[left]
            result[left[taken]] = found[taken]
            if restart + 1 < restarts:
                fooled[left] |= run.fooled
                left = left[~settled(found, run.fooled, left)]
                if len(left) == 0:
                    break
    return result


class _Run:
    """One run of Auto-PGD on a batch; kept clip by clip, without a look from the host."""

    def __init__(
        self, model: Model, start: Tensor, labels: Tensor, loss: Loss, targeted: bool
    ) -> None:
        self.model = model
        self.labels = labels
        self.loss = loss
        self.targeted = targeted
        self.x = start
        self.previous = start
        self.gradient, self.value, logits = input_gradient(model, start, labels, loss)
        self.best, self.best_value, self.best_gradient = start, self.value, self.gradient
        self.fooled = is_adversarial(logits, labels, targeted)
        self.fooling, self.fooling_value = start, self.value

    def steps(self, box: Box, eps: float | Tensor, steps: int) -> Tensor:
        """Take all steps and give the best clips."""
        count = len(self.x)
        eta = torch.full((count,), 2.0, device=self.x.device, dtype=self.x.dtype)
        rises = torch.zeros(count, device=self.x.device)
        halved = torch.ones(count, device=self.x.device, dtype=torch.bool)
        best_then = self.best_value
        ends = checkpoints(steps)
        last = 0
        for k in range(steps):
            before = self.value
            self._advance(box, wide(eta) * eps, first=k == 0)
            rises += (self.value > before).float()
            if k + 1 in ends:
                too_few = rises < _RHO * (k + 1 - last)
                stuck = ~halved & (best_then >= self.best_value)
                halved = too_few | stuck
                eta = torch.where(halved, eta / 2, eta)
                self._back_to_best(halved)
                best_then = self.best_value
                rises, last = torch.zeros_like(rises), k + 1
        return torch.where(wide(self.fooled), self.fooling, self.best)

    def _advance(self, box: Box, step: float | Tensor, *, first: bool) -> None:
        """Take one step with momentum, and look at the loss where it leads."""
        z = sign_step_(self.x.clone(), self.gradient, step, box)
        if not first:
            moved = self.x + _MOMENTUM * (z - self.x) + (1 - _MOMENTUM) * (self.x - self.previous)
            z = box.project_(moved)
        self.previous, self.x = self.x, z
        self.gradient, self.value, logits = input_gradient(
            self.model, self.x, self.labels, self.loss
        )
        fooled = is_adversarial(logits, self.labels, self.targeted)
        better = fooled & (~self.fooled | (self.value > self.fooling_value))
        self.fooling = torch.where(wide(better), self.x, self.fooling)
        self.fooling_value = torch.where(better, self.value, self.fooling_value)
        self.fooled = self.fooled | fooled
        higher = self.value > self.best_value
        self.best = torch.where(wide(higher), self.x, self.best)
        self.best_gradient = torch.where(wide(higher), self.gradient, self.best_gradient)
        self.best_value = torch.where(higher, self.value, self.best_value)

    def _back_to_best(self, chosen: Tensor) -> None:
        """Let some clips resume from the best point so far."""
        self.x = torch.where(wide(chosen), self.best, self.x)
        self.gradient = torch.where(wide(chosen), self.best_gradient, self.gradient)
        self.value = torch.where(chosen, self.best_value, self.value)


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


class APGD(VideoAttack):
    """Auto-PGD on a loss of choice, its step size adaptive; see `apgd`."""

    eps: ClipBudget = 8 / 255
    max_iter: Steps = 100
    num_random_init: Runs = 1
    loss: LossName = "ce"

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        adversarial = apgd(
            model,
            batch.clips,
            batch.labels,
            eps=batch_budget(self.eps, batch),
            steps=self.max_iter,
            restarts=self.num_random_init,
            loss=self.loss,
            targeted=self.targeted,
            mask=batch.mask,
            seed=batch.seeds,
        )
        return Attacked(adversarial)


class APGDDLR(APGD):
    """Auto-PGD on the difference of logits ratio; see `apgd`."""

    loss: LossName = "dlr"

    def check_together(self) -> None:
        """Refuse another loss; see `VideoAttack.check_together`."""
        if self.loss != "dlr":
            raise InputError(f"apgd-dlr follows the DLR loss, not {self.loss!r}: use apgd-ce:loss=")
