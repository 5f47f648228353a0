"""Fast adaptive boundary attack, toward targets: the nearest clip on the other side."""

from typing import NamedTuple

import torch
from torch import Tensor

from advvid.attacks.core.ascent import input_gradient
from advvid.attacks.core.balls import ball_of, lengths
from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled, outward, whole_levels
from advvid.attacks.core.hyperplane import step_to_hyperplane
from advvid.attacks.core.linf_box import Box, linf_box, wide
from advvid.attacks.core.losses import other_classes, target_margin
from advvid.attacks.core.settings import NormBudget, NormName, Runs, Steps, Targets
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack
from advvid.inference.frozen import Model, frozen
from advvid.random_streams import seeds_of, uniform

_ALPHA_MAX, _ETA, _BETA = 0.1, 1.05, 0.9
_FINAL_BISECTIONS = 3


@clip_attack
def fab_targeted(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float,
    norm: str = "Linf",
    steps: int = 100,
    restarts: int = 1,
    targets: int = 9,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Seek the nearest misclassified clip in a norm, toward each likely class.

    Where the decision between label and target is linear around x_k, d_1 and d_2 lead from x_k and
    from the clean clip to its hyperplane: x_{k+1} = (1 - a)(x_k + 1.05 d_1) + a (x_0 + 1.05 d_2),
    a = min(|d_1| / (|d_1| + |d_2|), 0.1). Whenever x_k is misclassified, it is pulled back toward
    the clean clip by a tenth.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,), true labels.
        eps: budget; a clip counts as fooled when something nearer is found. In (0, 1] in Linf; of
            the whole clip, in units of the pixel range, in L2 and L1.
        norm: "Linf", "L2" or "L1".
        steps: for each target.
        restarts: for each target; from the second on from a random point.
        targets: how many classes are tried, from the most likely on.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        seed: of the starts: a number, a generator, or one number a clip, int64 (B,).

    Returns:
        Clips (B, 3, T, H, W): the nearest that were found, projected to the budget where they are
        further away; the clean clip where nothing was found. One that fools the model only before
        it is rounded to 8 bits is moved on along the same line, inside the budget.

    Raises:
        InputError: when clips or settings cannot be used.

    Source: Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive
    boundary attack", Algorithm 1; toward targets as in "Reliable evaluation", sec. 5.
    """
    clips = checked_batch(
        clips, labels, eps=eps, norm=norm, steps=steps, restarts=restarts, targets=targets
    )
    counts = (steps, restarts, targets)
    return _nearest(model, clips, labels, eps, norm, counts, mask, seeds_of(seed, clips)).clips


class _Nearest(NamedTuple):
    """The nearest misclassified clips, brought into the budget."""

    clips: Tensor
    """(B, 3, T, H, W)."""
    distance: Tensor
    """(B,): of the nearest that were found, beyond the budget too; infinite where none was."""


def _nearest(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    eps: float,
    norm: str,
    counts: tuple[int, int, int],
    mask: Tensor | None,
    seeds: Tensor,
) -> _Nearest:
    """Do what `fab_targeted` says; `counts` are steps, restarts and targets."""
    steps, restarts, targets = counts
    # The pixel range and the support bound the search; the budget only decides what counts, and
    # of the whole gray levels in it nothing more is needed.
    enough = whole_levels(eps) if norm == "Linf" else eps
    room, ball = linf_box(clips, 1.0, mask), ball_of(norm, clips, eps, mask)
    with frozen(model), torch.no_grad():
        logits = model(clips)
        search = _Search(model, clips, labels, room, norm)
        search.take(torch.arange(len(clips), device=clips.device), clips, logits)
        goals = other_classes(logits, labels, targets)
        for run in range(goals.shape[1] * restarts):
            left = (search.distance > enough).nonzero().squeeze(1)
            if len(left) == 0:
                break
            start = clips[left]
            if run % restarts > 0:
                noise = uniform(seeds[left], clips.shape[1:], stream="fab start", draw=run)
                start = ball.select(left).at(noise.to(clips.dtype))
            search.toward(left, goals[left, run // restarts], start, steps)
        nearest = ball.project_(search.bisected())
        settled = Settled(model, clips, labels, eps, norm=norm)
        longest = eps / search.distance.clamp_min(1e-12)
        found = outward(nearest, search.distance <= eps, ball, settled, longest)
        return _Nearest(found, search.distance)


class _Search:
    """The nearest misclassified clips so far."""

    def __init__(self, model: Model, clips: Tensor, labels: Tensor, room: Box, norm: str) -> None:
        self.model = model
        self.clips = clips
        self.labels = labels
        self.room = room
        self.norm = norm
        self.nearest = clips.clone()
        self.distance = clips.new_full((len(clips),), torch.inf)

    def take(self, at: Tensor, found: Tensor, logits: Tensor) -> Tensor:
        """Keep what is misclassified and nearer, and return which clips are misclassified."""
        wrong = logits.argmax(dim=1) != self.labels[at]
        distance = lengths(found - self.clips[at], self.norm)
        nearer = wrong & (distance < self.distance[at])
        self.nearest[at] = torch.where(wide(nearer), found, self.nearest[at])
        self.distance[at] = torch.where(nearer, distance, self.distance[at])
        return wrong

    def toward(self, at: Tensor, goals: Tensor, start: Tensor, steps: int) -> None:
        """Search for some clips, (n,) positions, along the boundary to one target each."""
        clean, room, labels = self.clips[at], self.room.select(at), self.labels[at]
        bounds = room.lower, room.upper

        def lead(logits: Tensor, labels: Tensor) -> Tensor:
            return target_margin(logits, labels, goals)

        x = start
        for _ in range(steps):
            normal, offset, _ = input_gradient(self.model, x, labels, lead)
            normal = normal.nan_to_num(nan=0.0)
            from_clean = offset + ((clean - x) * normal).flatten(1).sum(dim=1)
            d1 = step_to_hyperplane(x, normal, offset, *bounds, norm=self.norm)
            d2 = step_to_hyperplane(clean, normal, from_clean, *bounds, norm=self.norm)
            far1, far2 = (lengths(d, self.norm) for d in (d1, d2))
            alpha = (far1 / (far1 + far2).clamp_min(1e-12)).clamp(max=_ALPHA_MAX)
            moved = torch.lerp(x + _ETA * d1, clean + _ETA * d2, wide(alpha))
            x = room.project_(moved)
            wrong = self.take(at, x, self.model(x))
            x = torch.where(wide(wrong), torch.lerp(clean, x, _BETA), x)

    def bisected(self) -> Tensor:
        """Move what was found a little nearer, as long as it stays misclassified."""
        everywhere = torch.arange(len(self.clips), device=self.clips.device)
        far, near = self.nearest, self.clips
        for _ in range(_FINAL_BISECTIONS):
            middle = torch.lerp(near, far, 0.5)
            wrong = wide(self.take(everywhere, middle, self.model(middle)))
            far, near = torch.where(wrong, middle, far), torch.where(wrong, near, middle)
        return self.nearest


class FABTargeted(VideoAttack):
    """The nearest clip across each likely boundary; see `fab_targeted`."""

    no_targets = "it chooses its targets itself"
    eps: NormBudget = 8 / 255
    max_iter: Steps = 100
    num_random_init: Runs = 1
    targets: Targets = 9
    norm: NormName = "Linf"

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        counts = (self.max_iter, self.num_random_init, self.targets)
        found = _nearest(
            model, batch.clips, batch.labels, self.eps, self.norm, counts, batch.mask, batch.seeds
        )
        return Attacked(found.clips, {"distance": found.distance})
