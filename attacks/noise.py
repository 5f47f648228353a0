"""Noise within a budget: what an attack has to beat."""

from typing import ClassVar

import torch
from torch import Tensor

from advvid.attacks.core.linf_box import linf_box
from advvid.attacks.core.losses import margin
from advvid.attacks.core.video_attack import Attacked, VideoAttack
from advvid.checks import check_budget, check_clips, check_count, check_label_form
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen
from advvid.random_streams import clip_seeds, uniform


def random_noise(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float,
    corners: bool = False,
    draws: int = 1,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Add noise, uniform in the budget or at its corners, without a look at the gradient.

    Args:
        model: clips -> logits (B, K); asked only when there are several draws.
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        eps: budget in (0, 1].
        corners: every pixel goes to one end of its budget, by a coin, instead of between them.
        draws: of each clip the one with the largest margin loss is kept.
        mask: where noise may be, 0/1 or bool, broadcastable to the clips.
        seed: a number, a generator, or one number a clip, int64 (B,).

    Returns:
        Noisy clips (B, 3, T, H, W), at most eps away, in [0, 1].

    Raises:
        InputError: when clips, budget, draws or mask cannot be used.
    """
    clips = clips.detach()
    check_clips(clips)
    check_label_form(labels, len(clips))
    check_budget(eps)
    check_count("draws", draws)
    if isinstance(seed, Tensor):
        seeds = seed.to(clips.device)
    else:
        seeds = clip_seeds(seed, len(clips), device=clips.device)
    box = linf_box(clips, eps, mask)

    def draw(number: int) -> Tensor:
        fraction = uniform(seeds, clips.shape[1:], stream="noise", draw=number)
        return box.at((fraction.round() if corners else fraction).to(clips.dtype))

    best = draw(0)
    if draws == 1:
        return best
    with frozen(model), torch.no_grad():
        highest = margin(model(best), labels)
        for number in range(1, draws):
            noisy = draw(number)
            loss = margin(model(noisy), labels)
            better = loss > highest
            best = torch.where(better.view(-1, 1, 1, 1, 1), noisy, best)
            highest = torch.where(better, loss, highest)
    return best


class RandomNoise(VideoAttack):
    """Uniform noise in the budget as an ART attack; `random_noise` does the work.

    Args:
        estimator: an `advvid.VideoClassifier`.
        eps: budget in (0, 1].
        draws: of each clip the worst is kept.
        targeted: not possible.
        batch_size: clips at once; it does not change the result.
        seed: see `VideoAttack`.
        verbose: show progress when there is more than one batch.
    """

    attack_params: ClassVar[list[str]] = [*VideoAttack.attack_params, "eps", "draws"]
    corners: ClassVar[bool] = False

    def __init__(
        self,
        estimator: VideoClassifier,
        eps: float = 8 / 255,
        draws: int = 1,
        targeted: bool = False,
        batch_size: int = 32,
        seed: int | torch.Generator = 0,
        verbose: bool = True,
    ) -> None:
        self.eps = eps
        self.draws = draws
        super().__init__(
            estimator, targeted=targeted, batch_size=batch_size, seed=seed, verbose=verbose
        )

    def _check_params(self) -> None:
        super()._check_params()
        if self.targeted:
            raise InputError("noise cannot be targeted: it does not look at the model")
        check_budget(self.eps)
        check_count("draws", self.draws)

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
        """Add noise to one batch; see `VideoAttack.perturb`."""
        noisy = random_noise(
            model,
            clips,
            labels,
            eps=self.eps,
            corners=self.corners,
            draws=self.draws,
            mask=mask,
            seed=seeds,
        )
        return Attacked(noisy)


class CornerNoise(RandomNoise):
    """Noise at the corners of the budget, the largest that it allows; see `RandomNoise`."""

    corners: ClassVar[bool] = True
