"""Auto-PGD toward each of the most likely other classes in turn."""

import torch
from torch import Tensor

from advvid.attacks.apgd import apgd
from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.linf_box import mask_of
from advvid.attacks.core.losses import (
    is_adversarial,
    other_classes,
    target_margin,
    targeted_dlr,
)
from advvid.attacks.core.settings import ClipNormBudget, NormName, Passes, Runs, Steps, Targets
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack, batch_budget
from advvid.inference.averaged import averaged
from advvid.inference.frozen import Model, frozen
from advvid.random_streams import seeds_of


@clip_attack
def apgd_targeted(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    norm: str = "Linf",
    steps: int = 100,
    restarts: int = 1,
    eot: int = 1,
    targets: int = 9,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Attack clips by Auto-PGD toward each of the most likely other classes in turn.

    The loss is the targeted difference of logits ratio; with fewer than 4 classes, where that is
    not defined, the difference of the two logits.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,), true labels.
        eps: budget, one for all or (B,), see `apgd`.
        norm: see `apgd`.
        steps: for each target.
        restarts: for each target.
        eot: see `apgd`.
        targets: how many classes are tried, from the most likely on, at most K - 1.
        mask: see `apgd`.
        seed: of the starts.

    Returns:
        Adversarial clips (B, 3, T, H, W): the first that is fooled in 8 bits too, or the last that
        is fooled at all; where a clip remains correct, the result of its last target.

    Raises:
        InputError: as `apgd`; when `targets` is below 1.

    Source: Croce and Hein 2020, sec. 5, APGD-T.
    """
    clips = checked_batch(clips, labels, targets=targets, restarts=restarts, eot=eot)
    model = averaged(model, eot)
    seeds = seeds_of(seed, clips)
    each = isinstance(eps, Tensor) and eps.shape == (len(clips),)
    budgets = torch.as_tensor(eps, device=clips.device) if each else None
    result = clips.clone()
    with frozen(model), torch.no_grad():
        logits = model(clips)
        goals = other_classes(logits, labels, targets)
        ratio = targeted_dlr if logits.shape[1] >= 4 else target_margin
        settled = Settled(model, clips, labels, eps, norm=norm)
        left = torch.arange(len(clips), device=clips.device)
        fooled = torch.zeros(len(clips), dtype=torch.bool, device=clips.device)
        for run in range(goals.shape[1] * restarts):
            goal = goals[left, run // restarts]

            def toward(logits: Tensor, labels: Tensor, goal: Tensor = goal) -> Tensor:
                return ratio(logits, labels, goal)

            found = apgd(
                model,
                clips[left],
                labels[left],
                eps=budgets[left] if budgets is not None else eps,
                norm=norm,
                steps=steps,
                loss=toward,
                mask=mask_of(mask, left, clips),
                seed=seeds[left] + run,
            )
            wrong = is_adversarial(model(found), labels[left], targeted=False)
            taken = wrong | ~fooled[left]
            result[left[taken]] = found[taken]
            fooled[left] |= wrong
            left = left[~settled(found, wrong, left)]
            if len(left) == 0:
                break
    return result


class APGDTargeted(VideoAttack):
    """Auto-PGD toward each of the likely classes in turn; see `apgd_targeted`."""

    no_targets = "it chooses its targets itself"
    eps: ClipNormBudget = 8 / 255
    max_iter: Steps = 100
    num_random_init: Runs = 1
    targets: Targets = 9
    norm: NormName = "Linf"
    eot: Passes = 1

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        adversarial = apgd_targeted(
            model,
            batch.clips,
            batch.labels,
            eps=batch_budget(self.eps, batch),
            norm=self.norm,
            steps=self.max_iter,
            restarts=self.num_random_init,
            eot=self.eot,
            targets=self.targets,
            mask=batch.mask,
            seed=batch.seeds,
        )
        return Attacked(adversarial)
