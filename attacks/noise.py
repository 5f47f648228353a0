"""Noise within a budget: what an attack has to beat."""

from typing import Annotated, ClassVar

import torch
from torch import Tensor

from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.linf_box import linf_box
from advvid.attacks.core.losses import at_least_float32, margin
from advvid.attacks.core.settings import Budget
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack
from advvid.inference.frozen import Model, frozen
from advvid.methods import Setting
from advvid.random_streams import seeds_of, uniform


@clip_attack
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
        model: clips -> logits (B, K); run only when there are several draws.
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
    clips = checked_batch(clips, labels, eps=eps, draws=draws)
    seeds = seeds_of(seed, clips)
    box = linf_box(clips, eps, mask)

    def draw(number: int) -> Tensor:
        fraction = uniform(seeds, clips.shape[1:], stream="noise", draw=number)
        return box.at((fraction.round() if corners else fraction).to(clips.dtype))

    best = draw(0)
    if draws == 1:
        return best
    with frozen(model), torch.no_grad():
        highest = margin(at_least_float32(model(best)), labels)
        for number in range(1, draws):
            noisy = draw(number)
            loss = margin(at_least_float32(model(noisy)), labels)
            better = loss > highest
            best = torch.where(better.view(-1, 1, 1, 1, 1), noisy, best)
            highest = torch.where(better, loss, highest)
    return best


class RandomNoise(VideoAttack):
    """Uniform noise in the budget: what an attack has to beat; see `random_noise`."""

    access = "control"
    no_targets = "noise does not look at the model"
    corners: ClassVar[bool] = False
    eps: Budget = 8 / 255
    draws: Annotated[int, Setting("draws, of which the worst of each clip is kept", at_least=1)] = 1

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Add noise to one batch; see `VideoAttack.perturb`."""
        noisy = random_noise(
            model,
            batch.clips,
            batch.labels,
            eps=self.eps,
            corners=self.corners,
            draws=self.draws,
            mask=batch.mask,
            seed=batch.seeds,
        )
        return Attacked(noisy)


class CornerNoise(RandomNoise):
    """Noise at the corners of the budget, the largest that it allows."""

    corners: ClassVar[bool] = True
