"""AutoAttack for clips: four attacks in turn on what still stands."""

from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from advvid.attacks.apgd import apgd
from advvid.attacks.apgd_targeted import apgd_targeted
from advvid.attacks.core.video_attack import Attacked, VideoAttack
from advvid.attacks.fab import fab_targeted
from advvid.attacks.square import square_attack
from advvid.checks import check_budget, check_clips, check_count, check_label_form
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen
from advvid.random_streams import clip_seeds

PARTS = ("apgd-ce", "apgd-t", "fab-t", "square")


class AutoAttackResult(NamedTuple):
    """Clips under attack, and which part won each."""

    clips: Tensor
    """(B, 3, T, H, W)."""
    broken_by: Tensor
    """int64 (B,): 0 where the clip stands, -1 where it was misclassified from the start, otherwise
    the place in `PARTS`, from 1 on."""


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
    """Attack clips by APGD-CE, APGD-T, FAB-T and Square in turn, each on those that still stand.

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
        Clips (B, 3, T, H, W) and what won each.

    Raises:
        InputError: when clips or settings cannot be used.

    Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness", sec. 5.
    """
    clips = clips.detach()
    check_clips(clips)
    check_label_form(labels, len(clips))
    check_budget(eps)
    counts = {"steps": steps, "queries": queries, "targets": targets, "restarts": restarts}
    for name, value in counts.items():
        check_count(name, value)
    if isinstance(seed, Tensor):
        seeds = seed.to(clips.device)
    else:
        seeds = clip_seeds(seed, len(clips), device=clips.device)
    gradient: dict[str, Any] = {"eps": eps, "steps": steps, "restarts": restarts}
    result, broken_by = clips.clone(), torch.zeros_like(labels)
    with frozen(model), torch.no_grad():
        stands = model(clips).argmax(dim=1) == labels
        broken_by[~stands] = -1
        for place, part in enumerate(PARTS, start=1):
            left = (broken_by == 0).nonzero().squeeze(1)
            if len(left) == 0:
                break
            common: dict[str, Any] = {"seed": seeds[left] + place, "mask": mask}
            if mask is not None and len(mask) == len(clips):
                common["mask"] = mask[left]
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
            won = model(found).argmax(dim=1) != truth
            result[left] = found
            broken_by[left[won]] = place
    return AutoAttackResult(result, broken_by)


class AutoAttack(VideoAttack):
    """AutoAttack as an ART attack; `auto_attack` does the work.

    Its report tells "broken_by", see `AutoAttackResult`.

    Args:
        estimator: an `advvid.VideoClassifier`.
        eps: budget in (0, 1].
        max_iter: steps of the attacks that follow gradients.
        queries: of Square.
        targets: classes that APGD-T and FAB-T try.
        nb_random_init: runs of the attacks that follow gradients.
        targeted: not possible: it chooses its targets itself.
        batch_size: clips attacked at once; it does not change the result.
        seed: see `VideoAttack`.
        verbose: show progress when there is more than one batch.
    """

    attack_params: ClassVar[list[str]] = [
        *VideoAttack.attack_params,
        "eps",
        "max_iter",
        "queries",
        "targets",
        "nb_random_init",
    ]

    def __init__(
        self,
        estimator: VideoClassifier,
        eps: float = 8 / 255,
        max_iter: int = 100,
        queries: int = 5000,
        targets: int = 9,
        nb_random_init: int = 1,
        targeted: bool = False,
        batch_size: int = 32,
        seed: int | torch.Generator = 0,
        verbose: bool = True,
    ) -> None:
        self.eps = eps
        self.max_iter = max_iter
        self.queries = queries
        self.targets = targets
        self.nb_random_init = nb_random_init
        super().__init__(
            estimator, targeted=targeted, batch_size=batch_size, seed=seed, verbose=verbose
        )

    def _check_params(self) -> None:
        super()._check_params()
        if self.targeted:
            raise InputError("autoattack chooses its targets itself: it cannot be targeted")
        check_budget(self.eps)
        for name in ("max_iter", "queries", "targets", "nb_random_init"):
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
        result = auto_attack(
            model,
            clips,
            labels,
            eps=self.eps,
            steps=self.max_iter,
            queries=self.queries,
            targets=self.targets,
            restarts=self.nb_random_init,
            mask=mask,
            seed=seeds,
        )
        report = {"broken_by": result.broken_by}
        return Attacked(result.clips, report if mask is None else {**report, "support": mask})
