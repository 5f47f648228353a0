"""Flickering: one color offset a frame, the same at every pixel."""

from collections.abc import Iterable
from typing import Annotated, Any, NamedTuple, Unpack

import torch
from torch import Tensor

from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.linf_box import check_mask, wide
from advvid.attacks.core.settings import PIXEL_RANGE
from advvid.attacks.core.step_law import check_step
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack
from advvid.attacks.flickering.descent import (
    DescentSteps,
    Optimizer,
    RandomStarts,
    start_offsets,
)
from advvid.attacks.flickering.objective import (
    FlickeringObjective,
    FlickeringWeights,
    Margin,
    Regularization,
    RoughnessWeight,
    ThicknessWeight,
    Widen,
)
from advvid.attacks.flickering.terms import roughness_percent, thickness_percent
from advvid.attacks.flickering.universal import UniversalOffsets, universal_flickering
from advvid.checks import check_budget
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen
from advvid.methods import Setting, check_setting
from advvid.random_streams import seeds_of

STEP_SIZE = 0.005
"""Learning rate of Adam on offsets in [0, 1]."""

Bound = Annotated[
    float | None,
    Setting(
        "bound of the absolute offset; not given, none",
        PIXEL_RANGE,
        above=0,
        at_most=1,
        verify=check_budget,
    ),
]
Rate = Annotated[
    float,
    Setting(
        "learning rate of Adam, or length of a sign step", PIXEL_RANGE, above=0, verify=check_step
    ),
]


class FlickeringResult(NamedTuple):
    """Attacked clips, and their offsets."""

    clips: Tensor
    """(B, 3, T, H, W)."""
    offsets: Tensor
    """(B, 3, T, 1, 1)."""


@clip_attack
def flickering(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | None = None,
    step_size: float = STEP_SIZE,
    steps: int = 100,
    num_random_init: int = 0,
    optimizer: str = "adam",
    shift_draws: int = 0,
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
    **weights: Unpack[FlickeringWeights],
) -> FlickeringResult:
    """Find, for each clip, one color offset a frame that fools a model and flickers little.

    Minimizes lambda (beta_1 D_1(delta) + beta_2 D_2(delta)) + L_adv(F(clip(x + delta)), y) over
    delta in R^{3 x T}, see `advvid.attacks.flickering.terms`. Of all iterates the best is kept: one
    that fools, rounded to 8 bits too, before any other, then the least visible, or the nearest to
    fooling.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,): true labels, or targets when `targeted`.
        eps: bound of the absolute offset, in (0, 1]; None leaves it to the regularization.
        step_size: learning rate of Adam, or length of a sign step; a fraction of the pixel range.
        steps: number of updates of a run.
        num_random_init: runs from random offsets, beside the one from none; 0 is the original.
        optimizer: "adam", as the original, or "sign", as ART.
        shift_draws: also fool with the offsets rolled in time: expectation over this many random
            rolls a step, for an attacker who does not know when the clip begins.
        targeted: make the clip look like its label instead of unlike it.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        seed: of starts and rolls: a number, a generator, or one number a clip, int64 (B,).
        weights: `regularization` (lambda), `thickness_weight` (beta_1), `roughness_weight`
            (beta_2), `margin`, by which probabilities have to lead, and `widen`; see
            `FlickeringObjective`.

    Returns:
        Clips (B, 3, T, H, W) and offsets (B, 3, T, 1, 1).

    Raises:
        InputError: when clips or settings cannot be used.

    Source: Pony, Naeh and Mannor 2021, "Over-the-air adversarial flickering attacks against video
    recognition networks"; ART 1.20 takes sign steps and other weights.
    """
    clips = checked_batch(clips, labels, eps=eps, steps=steps)
    check_setting("step_size", step_size, Rate)
    check_setting("num_random_init", num_random_init, RandomStarts)
    support = None if mask is None else check_mask(mask, clips)
    objective = FlickeringObjective(targeted=targeted, **weights)
    seeds = seeds_of(seed, clips)

    best = clips.new_zeros(len(clips), clips.shape[1], clips.shape[2], 1, 1)
    best_grade = clips.new_full((len(clips),), -1.0)
    best_value = clips.new_full((len(clips),), torch.inf)
    # Without a bound, what half of the steps can undo.
    bound = min(step_size * steps / 2, 1.0) if eps is None else eps
    settled = Settled(model, clips, labels, eps, targeted)
    with frozen(model):
        scale = objective.logit_scale(model, clips)
        for run in range(1 + num_random_init):
            descent = DescentSteps(optimizer, step_size)
            delta = start_offsets(seeds, clips, run, bound)
            for i in range(steps + 1):
                step = run * (steps + 1) + i
                rolls = objective.rolls(seeds, clips.shape[2], shift_draws, step=step)
                gradient, value, fooled = objective.differentiate(
                    model, clips, labels, delta, rolls, scale, support, wanted=i < steps
                )
                # 2 where all rolls fool, and in 8 bits too; asked only of what would be kept.
                asked = (fooled == 1) & ((best_grade < 2) | (value < best_value))
                grade = fooled + settled(add_offsets(clips, delta, support), asked)
                better = (grade > best_grade) | ((grade == best_grade) & (value < best_value))
                best = torch.where(wide(better), delta, best)
                best_grade = torch.where(better, grade, best_grade)
                best_value = torch.where(better, value, best_value)
                if gradient is not None:
                    delta = delta + descent.step(gradient)
                    if eps is not None:
                        delta = delta.clamp(-eps, eps)
    return FlickeringResult(add_offsets(clips, best, support), best)


def add_offsets(clips: Tensor, offsets: Tensor, mask: Tensor | None = None) -> Tensor:
    """Add offsets (B or 1, 3, T, 1, 1) to clips, within [0, 1] and where the mask allows it."""
    shifted = (clips + offsets).clamp(0, 1)
    return shifted if mask is None else torch.where(mask, shifted, clips)


class Flickering(VideoAttack):
    """Frames that flicker in color, one offset a frame; see `flickering`.

    Its report has "offsets" (B, 3, T, 1, 1), and their "thickness" and "roughness" in percent of
    the pixel range (B,). After `fit_universal`, or with a file of offsets, it adds the same offsets
    to every clip and optimizes nothing.
    """

    bound = "one Linf color offset a frame"
    eps: Bound = None
    eps_step: Rate = STEP_SIZE
    max_iter: Annotated[int, Setting("updates of a run", at_least=1)] = 100
    num_random_init: RandomStarts = 0
    regularization: Regularization = FlickeringObjective.regularization
    thickness_weight: ThicknessWeight = FlickeringObjective.thickness_weight
    roughness_weight: RoughnessWeight = FlickeringObjective.roughness_weight
    margin: Margin = FlickeringObjective.margin
    widen: Widen = FlickeringObjective.widen
    optimizer: Optimizer = "adam"
    shift_draws: Annotated[
        int, Setting("random rolls in time that the offsets have to survive", at_least=0)
    ] = 0
    offsets: Annotated[
        str | None, Setting("file of universal offsets, as UniversalOffsets.save writes it")
    ] = None

    def __init__(self, estimator: VideoClassifier, *args: Any, **settings: Any) -> None:
        super().__init__(estimator, *args, **settings)
        self.universal = None if self.offsets is None else UniversalOffsets.load(self.offsets)

    def _objective(self) -> FlickeringObjective:
        return FlickeringObjective(
            self.regularization,
            self.thickness_weight,
            self.roughness_weight,
            self.margin,
            self.targeted,
            self.widen,
        )

    def fit_universal(
        self, batches: Iterable[tuple[Tensor, Tensor]], *, epochs: int = 5, progress: bool = False
    ) -> UniversalOffsets:
        """Find one sequence of offsets for a whole data set; from then on it is what is added.

        Args:
            batches: clips (B, 3, T, H, W) in [0, 1] and labels (or targets), gone through once for
                each epoch and measured once more.
            epochs: passes.
            progress: show a bar.

        Returns:
            The offsets, to be saved for other clips.
        """
        self.universal = universal_flickering(
            self.estimator.differentiable(),
            batches,
            eps=self.eps,
            step_size=self.eps_step,
            epochs=epochs,
            objective=self._objective(),
            optimizer=self.optimizer,
            num_random_init=self.num_random_init,
            shift_draws=self.shift_draws,
            seed=self.seed,
            device=self.estimator.device,
            progress=progress,
        )
        return self.universal

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        clips, mask = batch.clips, batch.mask
        if self.universal is not None:
            offsets = self.universal.for_clips(clips, self.eps).expand(len(clips), -1, -1, -1, -1)
            changed = add_offsets(clips, offsets, None if mask is None else check_mask(mask, clips))
        else:
            changed, offsets = flickering(
                model,
                clips,
                batch.labels,
                eps=self.eps,
                step_size=self.eps_step,
                steps=self.max_iter,
                num_random_init=self.num_random_init,
                optimizer=self.optimizer,
                shift_draws=self.shift_draws,
                targeted=self.targeted,
                mask=mask,
                seed=batch.seeds,
                regularization=self.regularization,
                thickness_weight=self.thickness_weight,
                roughness_weight=self.roughness_weight,
                margin=self.margin,
                widen=self.widen,
            )
        report = {
            "offsets": offsets,
            "thickness": thickness_percent(offsets),
            "roughness": roughness_percent(offsets),
        }
        return Attacked(changed, report)
