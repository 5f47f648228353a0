"""Fast adaptive boundary attack, toward targets: the nearest clip on the other side."""

from typing import ClassVar

import torch
from torch import Tensor

from advvid.attacks.core.hyperplane import step_to_hyperplane
from advvid.attacks.core.linf_box import Box, linf_box
from advvid.attacks.core.losses import other_classes, target_margin
from advvid.attacks.core.sign_gradient import input_gradient
from advvid.attacks.core.video_attack import Attacked, VideoAttack
from advvid.checks import check_budget, check_clips, check_count, check_label_form
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen
from advvid.random_streams import clip_seeds, uniform

_ALPHA_MAX, _ETA, _BETA = 0.1, 1.05, 0.9
_FINAL_BISECTIONS = 3
# Streams of starts, away from those of other attacks.


def fab_targeted(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int = 100,
    restarts: int = 1,
    targets: int = 9,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Seek the nearest misclassified clip in the L-infinity norm, toward each likely class.

    Where the decision between label and target is linear around x_k, d_1 and d_2 lead from x_k and
    from the clean clip to its hyperplane: x_{k+1} = (1 - a)(x_k + 1.05 d_1) + a (x_0 + 1.05 d_2),
    a = min(|d_1| / (|d_1| + |d_2|), 0.1). Whenever x_k is misclassified, it is pulled back toward
    the clean clip by a tenth.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,), true labels.
        eps: budget in (0, 1]; a clip counts as won when something nearer is found.
        steps: for each target.
        restarts: for each target; from the second on from a random point.
        targets: how many classes are tried, from the most likely on.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        seed: of the starts: a number, a generator, or one number a clip, int64 (B,).

    Returns:
        Clips (B, 3, T, H, W): the nearest that were found, projected to the budget where they are
        further away; the clean clip where nothing was found.

    Raises:
        InputError: when clips or settings cannot be used.

    Source: Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive
    boundary attack", Algorithm 1; toward targets as in "Reliable evaluation", sec. 5.
    """
    clips = clips.detach()
    check_clips(clips)
    check_label_form(labels, len(clips))
    check_budget(eps)
    for name, value in (("steps", steps), ("restarts", restarts), ("targets", targets)):
        check_count(name, value)
    if isinstance(seed, Tensor):
        seeds = seed.to(clips.device)
    else:
        seeds = clip_seeds(seed, len(clips), device=clips.device)
    # The pixel range and the support bound it; the budget only tells what counts.
    room, ball = linf_box(clips, 1.0, mask), linf_box(clips, eps, mask)
    with frozen(model), torch.no_grad():
        logits = model(clips)
        search = _Search(model, clips, labels, room)
        search.take(torch.arange(len(clips), device=clips.device), clips, logits)
        goals = other_classes(logits, labels, targets)
        for run in range(goals.shape[1] * restarts):
            left = (search.distance > eps).nonzero().squeeze(1)
            if len(left) == 0:
                break
            start = clips[left]
            if run % restarts > 0:
                noise = uniform(seeds[left], clips.shape[1:], stream="fab start", draw=run)
                start = ball.select(left).at(noise.to(clips.dtype))
            search.toward(left, goals[left, run // restarts], start, steps)
        nearest = search.bisected()
    return ball.project_(nearest)


class _Search:
    """The nearest misclassified clips so far."""

    def __init__(self, model: Model, clips: Tensor, labels: Tensor, room: Box) -> None:
        self.model = model
        self.clips = clips
        self.labels = labels
        self.room = room
        self.nearest = clips.clone()
        self.distance = torch.full((len(clips),), torch.inf, device=clips.device)

    def take(self, at: Tensor, found: Tensor, logits: Tensor) -> Tensor:
        """Keep what is misclassified and nearer; tell what is misclassified."""
        wrong = logits.argmax(dim=1) != self.labels[at]
        distance = (found - self.clips[at]).abs().flatten(1).amax(dim=1)
        nearer = wrong & (distance < self.distance[at])
        self.nearest[at] = torch.where(_wide(nearer), found, self.nearest[at])
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
            d1 = step_to_hyperplane(x, normal, offset, *bounds)
            d2 = step_to_hyperplane(clean, normal, from_clean, *bounds)
            far1, far2 = (d.abs().flatten(1).amax(dim=1) for d in (d1, d2))
            alpha = (far1 / (far1 + far2).clamp_min(1e-12)).clamp(max=_ALPHA_MAX)
            moved = torch.lerp(x + _ETA * d1, clean + _ETA * d2, _wide(alpha))
            x = room.project_(moved)
            wrong = self.take(at, x, self.model(x))
            x = torch.where(_wide(wrong), torch.lerp(clean, x, _BETA), x)

    def bisected(self) -> Tensor:
        """Move what was found a little nearer, as long as it stays misclassified."""
        everywhere = torch.arange(len(self.clips), device=self.clips.device)
        far, near = self.nearest, self.clips
        for _ in range(_FINAL_BISECTIONS):
            middle = torch.lerp(near, far, 0.5)
            wrong = _wide(self.take(everywhere, middle, self.model(middle)))
            far, near = torch.where(wrong, middle, far), torch.where(wrong, near, middle)
        return self.nearest


def _wide(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1, 1)


class FABTargeted(VideoAttack):
    """FAB toward targets as an ART attack; `fab_targeted` does the work.

    Args:
        estimator: an `advvid.VideoClassifier`.
        eps: budget in (0, 1].
        max_iter: steps for each target.
        nb_random_init: runs for each target.
        targets: how many classes are tried.
        targeted: not possible: it chooses its targets itself.
        batch_size: clips attacked at once; it does not change the result.
        seed: of the starts; see `VideoAttack`.
        verbose: show progress when there is more than one batch.
    """

    attack_params: ClassVar[list[str]] = [
        *VideoAttack.attack_params,
        "eps",
        "max_iter",
        "nb_random_init",
        "targets",
    ]

    def __init__(
        self,
        estimator: VideoClassifier,
        eps: float = 8 / 255,
        max_iter: int = 100,
        nb_random_init: int = 1,
        targets: int = 9,
        targeted: bool = False,
        batch_size: int = 32,
        seed: int | torch.Generator = 0,
        verbose: bool = True,
    ) -> None:
        self.eps = eps
        self.max_iter = max_iter
        self.nb_random_init = nb_random_init
        self.targets = targets
        super().__init__(
            estimator, targeted=targeted, batch_size=batch_size, seed=seed, verbose=verbose
        )

    def _check_params(self) -> None:
        super()._check_params()
        if self.targeted:
            raise InputError("fab-t chooses its targets itself: it is targeted without being told")
        check_budget(self.eps)
        for name in ("max_iter", "nb_random_init", "targets"):
            check_count(name, getattr(self, name))

    def perturb(
        self,
        model: Model,
        clips: Tensor,
        labels: Tensor,
        *,
        seeds: Tensor,
        shared_seed: Tensor,
        mask: Tensor | None,
        positions: Tensor,
    ) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        adversarial = fab_targeted(
            model,
            clips,
            labels,
            eps=self.eps,
            steps=self.max_iter,
            restarts=self.nb_random_init,
            targets=self.targets,
            mask=mask,
            seed=seeds,
        )
        return Attacked(adversarial, {} if mask is None else {"support": mask})
