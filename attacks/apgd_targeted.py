"""Auto-PGD toward each of the most likely other classes in turn."""

from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from advvid.attacks.apgd import APGD, apgd, seeds_of
from advvid.attacks.core.losses import other_classes, target_margin, targeted_dlr
from advvid.attacks.core.video_attack import Attacked
from advvid.checks import check_clips, check_count, check_label_form
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen


def apgd_targeted(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    steps: int = 100,
    restarts: int = 1,
    targets: int = 9,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Attack clips by Auto-PGD toward each of the most likely other classes in turn.

    The loss is the targeted difference of logits ratio; with fewer than 4 classes, where that is
    not defined, the difference of the two logits.

    Args:
        model: see `apgd`, as all arguments that are not listed here.
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,), true labels.
        eps: budget in (0, 1], one for all or (B,).
        steps: for each target.
        restarts: for each target.
        targets: how many classes are tried, from the most likely on; at most K - 1 are there.
        mask: see `apgd`.
        seed: of the starts.

    Returns:
        Adversarial clips (B, 3, T, H, W); for a clip that stands, the result of its last target.

    Raises:
        InputError: as `apgd`; when `targets` is below 1.

    Source: Croce and Hein 2020, sec. 5, APGD-T.
    """
    clips = clips.detach()
    check_clips(clips)
    check_label_form(labels, len(clips))
    for name, value in (("targets", targets), ("restarts", restarts)):
        check_count(name, value)
    seeds = seeds_of(seed, clips)
    result = clips.clone()
    with frozen(model), torch.no_grad():
        logits = model(clips)
        goals = other_classes(logits, labels, targets)
        ratio = targeted_dlr if logits.shape[1] >= 4 else target_margin
        left = torch.arange(len(clips), device=clips.device)
        for run in range(goals.shape[1] * restarts):
            goal = goals[left, run // restarts]

            def toward(logits: Tensor, labels: Tensor, goal: Tensor = goal) -> Tensor:
                return ratio(logits, labels, goal)

            result[left] = apgd(
                model,
                clips[left],
                labels[left],
                eps=_at(eps, left, clips),
                steps=steps,
                loss=toward,
                mask=_at(mask, left, clips),
                seed=seeds[left] + run,
            )
            left = left[model(result[left]).argmax(dim=1) == labels[left]]
            if len(left) == 0:
                break
    return result


T = TypeVar("T", float | Tensor, Tensor | None)


def _at(value: T, chosen: Tensor, clips: Tensor) -> T:
    """Keep what belongs to some clips; what is one for all stays."""
    if isinstance(value, Tensor) and value.ndim > 0 and len(value) == len(clips):
        return value[chosen.to(value.device)]
    return value


class APGDTargeted(APGD):
    """Auto-PGD toward each of the most likely other classes; `apgd_targeted` does the work.

    Args:
        estimator: an `advvid.VideoClassifier`.
        eps: budget in (0, 1].
        targets: how many classes are tried.
        kwargs: the settings of `APGD`, but for the loss, and without targets of the caller.
    """

    attack_params: ClassVar[list[str]] = [*APGD.attack_params, "targets"]

    def __init__(
        self, estimator: VideoClassifier, eps: float = 8 / 255, *, targets: int = 9, **kwargs: Any
    ) -> None:
        self.targets = targets
        super().__init__(estimator, eps, **kwargs)

    def _check_params(self) -> None:
        super()._check_params()
        check_count("targets", self.targets)
        if self.targeted:
            raise InputError("apgd-t chooses its targets itself: it is targeted without being told")
        if self.loss != "ce":
            raise InputError("apgd-t has a loss of its own: leave loss out")

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
        adversarial = apgd_targeted(
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
