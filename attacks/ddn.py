"""Decoupled direction and norm: the nearest misclassified clip in the L2 norm."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from advvid.attacks.core.ascent import input_gradient
from advvid.attacks.core.balls import L2Ball, ball_of, lengths
from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.linf_box import per_clip, wide
from advvid.attacks.core.losses import is_adversarial, log_odds
from advvid.attacks.core.settings import ClipNormBudget, Steps
from advvid.attacks.core.video_attack import AttackBatch, Attacked, Norm, VideoAttack, batch_budget
from advvid.inference.frozen import Model, frozen

_GAMMA = 0.05
_LAST_STEP = 0.01


class DDNResult(NamedTuple):
    """Attacked clips, and how far the nearest is that was found."""

    clips: Tensor
    """(B, 3, T, H, W), in the budget."""
    distance: Tensor
    """(B,): in L2, beyond the budget too; infinite where nothing was found."""


@clip_attack
def ddn(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    steps: int = 100,
    targeted: bool = False,
    mask: Tensor | None = None,
) -> DDNResult:
    """Seek the nearest misclassified clip in L2, by steps whose direction and length are apart.

    delta_{k+1} = r_{k+1} (delta_k + a_k g) / ||delta_k + a_k g||_2, with g the gradient at length 1
    and r the radius, which shrinks by 5% after an iterate that fools the model and grows by 5%
    after one that does not. r_0 and a_0 are the budget; a falls along a cosine to a hundredth.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,): true labels, or targets when `targeted`.
        eps: budget of the whole clip in L2, in units of the pixel range, one for all or (B,); what
            is sought is the nearest clip of all.
        steps: gradient steps.
        targeted: make the clip look like its label instead of unlike it.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.

    Returns:
        Of each clip the nearest that fools the model, or else the last iterate, brought into the
        budget; and the distance of the nearest.

    Raises:
        InputError: when clips, budget, steps or mask cannot be used.

    Source: Rony et al. 2019, "Decoupling direction and norm for efficient gradient-based L2
    adversarial attacks and defenses", Algorithm 1; r_0 = a_0 = 1 there.
    """
    clips = checked_batch(clips, labels, eps=eps, norm="L2", steps=steps)
    ball = ball_of("L2", clips, eps, mask)
    assert isinstance(ball, L2Ball)
    first = per_clip(eps, clips)
    radius = wide(torch.as_tensor(eps, device=clips.device).to(clips).expand(len(clips)))
    x, best = clips, clips
    distance = clips.new_full((len(clips),), torch.inf)

    def take(x: Tensor, logits: Tensor) -> Tensor:
        nonlocal best, distance
        fooled, length = is_adversarial(logits, labels, targeted), lengths(x - clips, "L2")
        nearer = fooled & (length < distance)
        best = torch.where(wide(nearer), x, best)
        distance = torch.where(nearer, length, distance)
        return fooled

    with frozen(model):
        for k in range(steps):
            gradient, _, logits = input_gradient(model, x, labels, log_odds)
            fooled = take(x, logits)
            cosine = (1 + math.cos(math.pi * k / steps)) / 2
            step = (_LAST_STEP + (1 - _LAST_STEP) * cosine) * first
            moved = x - clips + step * ball.direction(x, -gradient if targeted else gradient)
            radius = radius * torch.where(wide(fooled), 1 - _GAMMA, 1 + _GAMMA)
            length = wide(lengths(moved, "L2")).clamp_min(1e-30)
            x = ball.room.project_(clips + moved * (radius / length))
        with torch.no_grad():
            take(x, model(x))
    found = torch.where(wide(distance.isfinite()), best, x)
    return DDNResult(ball.project_(found.clone()), distance)


class DDN(VideoAttack):
    """The nearest clip in L2, by steps whose direction and length are apart; see `ddn`.

    Its report has the "distance" of each clip, beyond the budget too.
    """

    norm: Norm = "L2"
    bound = "L2"
    eps: ClipNormBudget = 1.0
    max_iter: Steps = 100

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        found = ddn(
            model,
            batch.clips,
            batch.labels,
            eps=batch_budget(self.eps, batch),
            steps=self.max_iter,
            targeted=self.targeted,
            mask=batch.mask,
        )
        return Attacked(found.clips, {"distance": found.distance})
