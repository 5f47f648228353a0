"""PGD under an L-infinity bound."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from advvid.attacks.core.linf_box import linf_box, per_clip
from advvid.attacks.core.losses import Loss, resolve_loss
from advvid.attacks.core.sign_gradient import ascend, is_adversarial
from advvid.attacks.core.step_law import StepSizeLaw, resolve_step
from advvid.attacks.core.video_attack import Attacked, VideoAttack
from advvid.checks import check_budget, check_clips, check_count, check_label_form
from advvid.errors import InputError
from advvid.estimator.clip_interface import ArrayOrTensor
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen
from advvid.random_streams import clip_seeds, uniform


def linf_pgd(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    step_size: float | StepSizeLaw | None = None,
    steps: int = 20,
    random_start: bool = False,
    restarts: int = 1,
    targeted: bool = False,
    mask: Tensor | None = None,
    loss: str | Loss = "ce",
    early_stop: bool = False,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Attack clips by projected gradient descent under an L-infinity bound.

    x_{i+1} = clip(x_i + alpha sign(grad L(F(x_i), y)), x - eps, x + eps), then clip to [0, 1].

    Args:
        model: clips -> logits (B, K); a module is run in evaluation mode and given back as it was.
        clips: (B, 3, T, H, W) float in [0, 1]; they are not changed.
        labels: int64 (B,): true labels, or targets when `targeted`.
        eps: budget in (0, 1], one for all or (B,), such as 8 / 255.
        step_size: alpha, a fraction of the pixel range; a law; None for the law 0.2 (eps + 1).
        steps: number of gradient steps, at least 1.
        random_start: start uniformly at random in the feasible box instead of at the clip. From
            the second restart on the start is always random.
        restarts: independent runs; of each clip the worst is kept: an adversarial one before any
            other, then the one with the largest loss.
        targeted: make the clip look like its label instead of unlike it.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        loss: "ce", "dlr", "cw", or a function (logits, labels) -> (B,).
        early_stop: stop each clip at its first adversarial iterate.
        seed: of the random starts: a number, a generator, or one number a clip, int64 (B,).

    Returns:
        Adversarial clips (B, 3, T, H, W), at most eps away from the given ones, in [0, 1].

    Raises:
        InputError: when clips, budget, step size, steps or mask cannot be used.

    Source: Madry et al. 2018; Kinfu and Vidal 2022, Eq. 7.
    """
    clips = clips.detach()
    check_clips(clips)
    check_label_form(labels, len(clips))
    check_budget(eps)
    check_count("steps", steps)
    check_count("restarts", restarts)
    score = resolve_loss(loss)
    box = linf_box(clips, eps, mask)
    step = per_clip(resolve_step(step_size, eps), clips)
    if isinstance(seed, Tensor):
        seeds = seed.to(clips.device)
    else:
        seeds = clip_seeds(seed, len(clips), device=clips.device)

    best, best_rank = clips, torch.empty(0)
    with frozen(model):
        for restart in range(restarts):
            start = clips
            if random_start or restart > 0:
                start = box.at(
                    uniform(seeds, clips.shape[1:], stream="pgd start", draw=restart).to(
                        clips.dtype
                    )
                )
            candidate = ascend(
                model,
                start,
                labels,
                loss=score,
                box=box,
                step=step,
                steps=steps,
                targeted=targeted,
                early_stop=early_stop,
            )
            if restarts == 1:
                return candidate
            rank = _rank(model, candidate, labels, score, targeted)
            if restart == 0:
                best, best_rank = candidate, rank
                continue
            better = (rank[0] > best_rank[0]) | (
                (rank[0] == best_rank[0]) & (rank[1] > best_rank[1])
            )
            best_rank = torch.where(better, rank, best_rank)
            best = torch.where(better.view(-1, *(1,) * (clips.ndim - 1)), candidate, best)
    return best


@torch.no_grad()
def _rank(model: Model, clips: Tensor, labels: Tensor, loss: Loss, targeted: bool) -> Tensor:
    """Order candidates by (adversarial, loss in the direction of the attack), (2, B)."""
    logits = model(clips).float()
    losses = loss(logits, labels)
    return torch.stack(
        [is_adversarial(logits, labels, targeted).float(), -losses if targeted else losses]
    )


class LinfPGD(VideoAttack):
    """PGD under an L-infinity bound as an ART attack; `linf_pgd` does the work.

    Args:
        estimator: an `advvid.VideoClassifier`.
        eps: budget in (0, 1], such as 8 / 255; one number, or an array with one for each clip.
        eps_step: step size as a fraction of the pixel range, a `StepSizeLaw`, or None for the law
            0.2 (eps + 1).
        max_iter: gradient steps.
        num_random_init: 0 starts at the clip; n runs n random starts and keeps the worst result.
        targeted: labels are targets.
        loss: "ce", "dlr" or "cw".
        early_stop: stop each clip at its first adversarial iterate.
        batch_size: clips attacked at once; it does not change the result.
        seed: of the random starts; see `VideoAttack`.
        verbose: show progress when there is more than one batch.
    """

    attack_params: ClassVar[list[str]] = [
        *VideoAttack.attack_params,
        "eps",
        "eps_step",
        "max_iter",
        "num_random_init",
        "loss",
        "early_stop",
    ]

    def __init__(
        self,
        estimator: VideoClassifier,
        eps: float | Tensor = 8 / 255,
        eps_step: float | StepSizeLaw | None = None,
        max_iter: int = 20,
        num_random_init: int = 0,
        targeted: bool = False,
        loss: str | Loss = "ce",
        early_stop: bool = False,
        batch_size: int = 32,
        seed: int | torch.Generator = 0,
        verbose: bool = True,
    ) -> None:
        self.eps = eps
        self.eps_step = eps_step
        self.max_iter = max_iter
        self.num_random_init = num_random_init
        self.loss = loss
        self.early_stop = early_stop
        super().__init__(
            estimator, targeted=targeted, batch_size=batch_size, seed=seed, verbose=verbose
        )

    def _check_params(self) -> None:
        super()._check_params()
        if not isinstance(self.num_random_init, int) or self.num_random_init < 0:
            raise InputError(
                "num_random_init must be a whole number of at least 0; got "
                f"{self.num_random_init!r}"
            )
        check_count("max_iter", self.max_iter)
        eps = torch.as_tensor(self.eps)
        check_budget(eps)
        resolve_step(self.eps_step, eps)
        resolve_loss(self.loss)

    def generate(
        self, x: ArrayOrTensor, y: ArrayOrTensor | None = None, **kwargs: Any
    ) -> ArrayOrTensor:
        """Attack clips; see `VideoAttack.generate`."""
        eps = torch.as_tensor(self.eps)
        if eps.ndim > 0 and tuple(eps.shape) != (len(x),):
            raise InputError(
                f"eps must be one number or one for each of the {len(x)} clips; got shape "
                f"{tuple(eps.shape)}"
            )
        return super().generate(x, y, **kwargs)

    def support(self, clips: Tensor, seeds: Tensor, shared_seed: Tensor) -> Tensor | None:
        """Give the support mask that the attack brings along, or None for everywhere."""
        del clips, seeds, shared_seed
        return None

    def budget(self, clips: Tensor, positions: Tensor) -> float | Tensor:
        """Give the budget of all clips of a batch, or that of each (B,)."""
        eps = torch.as_tensor(self.eps)
        return float(eps) if eps.ndim == 0 else eps[positions.to(eps.device)].to(clips)

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
        own = self.support(clips, seeds, shared_seed)
        if own is not None:
            mask = own if mask is None else own & mask
        adversarial = linf_pgd(
            model,
            clips,
            labels,
            eps=self.budget(clips, positions),
            step_size=self.eps_step,
            steps=self.max_iter,
            random_start=self.num_random_init > 0,
            restarts=max(1, self.num_random_init),
            targeted=self.targeted,
            mask=mask,
            loss=self.loss,
            early_stop=self.early_stop,
            seed=seeds,
        )
        return Attacked(adversarial, {} if mask is None else {"support": mask})
