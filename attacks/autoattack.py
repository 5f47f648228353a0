"""AutoAttack for clips: four attacks in turn on the clips that are still correct."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from advvid.attacks.apgd import apgd
from advvid.attacks.apgd_targeted import apgd_targeted
from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.linf_box import mask_of
from advvid.attacks.core.losses import is_adversarial
from advvid.attacks.core.settings import Budget, Queries, Runs, Steps, Targets
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack
from advvid.attacks.fab import fab_targeted
from advvid.attacks.square import square_attack
from advvid.checks import check_labels
from advvid.inference.frozen import Model, frozen
from advvid.random_streams import seeds_of

PARTS = ("apgd-ce", "apgd-t", "fab-t", "square")


class AutoAttackResult(NamedTuple):
    """Clips under attack, and which part fooled each."""

    clips: Tensor
    """(B, 3, T, H, W)."""
    broken_by: Tensor
    """int64 (B,): 0 where the clip remains correct, -1 where it was misclassified from the start,
    otherwise the place in `PARTS`, from 1 on."""


@clip_attack
def auto_attack(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int = 100,
    queries: int = 5000,
    targets: int = 9,
    restarts: int = 1,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> AutoAttackResult:
    """Attack clips by APGD-CE, APGD-T, FAB-T and Square in turn, each on those still correct.

    A clip that is fooled only before it is rounded to 8 bits within the budget is attacked further;
    what fools it in 8 bits takes the place of what did not.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,), true labels.
        eps: budget in (0, 1].
        steps: of the three attacks that follow gradients.
        queries: of Square.
        targets: classes that APGD-T and FAB-T try.
        restarts: of the three attacks that follow gradients.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        seed: a number, a generator, or one number a clip, int64 (B,).

    Returns:
        Clips (B, 3, T, H, W) and what fooled each.

    Raises:
        InputError: when clips or settings cannot be used.

    Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness", sec. 5.
    """
    clips = checked_batch(
        clips, labels, eps=eps, steps=steps, queries=queries, targets=targets, restarts=restarts
    )
    seeds = seeds_of(seed, clips)
    gradient: dict[str, Any] = {"eps": eps, "steps": steps, "restarts": restarts}
    result, broken_by = clips.clone(), torch.zeros_like(labels)
    settled = Settled(model, clips, labels, eps)
    with frozen(model), torch.no_grad():
        logits = model(clips)
        check_labels(labels, len(clips), logits.shape[1])
        correct = logits.argmax(dim=1) == labels
        broken_by[~correct] = -1
        left = correct.nonzero().squeeze(1)
        for place, part in enumerate(PARTS, start=1):
            if len(left) == 0:
                break
            common: dict[str, Any] = {
                "seed": seeds[left] + place,
                "mask": mask_of(mask, left, clips),
            }
            attacked, truth = clips[left], labels[left]
            if part == "apgd-ce":
                found = apgd(model, attacked, truth, **gradient, **common)
            elif part == "apgd-t":
                found = apgd_targeted(model, attacked, truth, targets=targets, **gradient, **common)
            elif part == "fab-t":
                found = fab_targeted(model, attacked, truth, targets=targets, **gradient, **common)
            else:
                found = square_attack(
                    model, attacked, truth, eps=eps, queries=queries, **common
                ).clips
            fooled = is_adversarial(model(found), truth, targeted=False)
            done = settled(found, fooled, left)
            taken = done | (broken_by[left] == 0)
            result[left[taken]] = found[taken]
            broken_by[left[taken & fooled]] = place
            left = left[~done]
    return AutoAttackResult(result, broken_by)


class AutoAttack(VideoAttack):
    """APGD-CE, APGD-T, FAB-T and Square in turn on clips that are still correct; see `auto_attack`.

    Its report has "broken_by", see `AutoAttackResult`.
    """

    no_targets = "it chooses its targets itself"
    eps: Budget = 8 / 255
    max_iter: Steps = 100
    queries: Queries = 5000
    targets: Targets = 9
    num_random_init: Runs = 1

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        result = auto_attack(
            model,
            batch.clips,
            batch.labels,
            eps=self.eps,
            steps=self.max_iter,
            queries=self.queries,
            targets=self.targets,
            restarts=self.num_random_init,
            mask=batch.mask,
            seed=batch.seeds,
        )
        return Attacked(result.clips, {"broken_by": result.broken_by})
