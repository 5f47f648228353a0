"""Auto-PGD: PGD with momentum and an adaptive step size."""

from dataclasses import replace

import torch
from torch import Tensor

from advvid.attacks.core.auto_pgd import Ascent, AutoPgdRun, run_in_frames
from advvid.attacks.core.balls import L1Ball, NormBall, ball_of
from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.frame_ranking import frame_mask
from advvid.attacks.core.linf_box import Box, per_clip
from advvid.attacks.core.losses import Loss, resolve_loss
from advvid.attacks.core.settings import (
    ClipNormBudget,
    LossName,
    MostFrames,
    NormName,
    Passes,
    Runs,
    Steps,
)
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack, batch_budget
from advvid.errors import InputError
from advvid.inference.averaged import averaged
from advvid.inference.frozen import Model, frozen
from advvid.methods import check_setting
from advvid.random_streams import seeds_of, uniform

# Of the gradients under L1, those in each of two larger balls.
_LARGER_SHARE = 0.3


@clip_attack
def apgd(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    norm: str = "Linf",
    steps: int = 100,
    restarts: int = 1,
    eot: int = 1,
    frames: int | None = None,
    loss: str | Loss = "ce",
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Attack clips by Auto-PGD in a ball.

    z = P(x_k + eta s(grad)), x_{k+1} = P(x_k + 0.75 (z - x_k) + 0.25 (x_k - x_{k-1})), from a
    random start; s is the sign under L-infinity, and the gradient at length 1 under L2. eta begins
    at 2 eps; at checkpoints it halves, clip by clip, when the loss has risen in less than 0.75 of
    the steps since the last one, or when neither eta nor the best loss have changed; then the run
    resumes from the best point.

    Under L1 there is no momentum: steps of length eta move few pixels, two thirds of those that the
    best point has changed; eta goes back to eps where that has become sparser, and falls by 1.5
    where not, at most to eps / 10. The first 0.3 of the gradients are spent in a ball of 3 eps, the
    next 0.3 in one of 2 eps. P is the projection onto ball and pixel range together.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,): true labels, or targets when `targeted`.
        eps: budget, one for all or (B,): in (0, 1] under L-infinity; the length of the change of
            the whole clip, in units of the pixel range, under L2 and L1.
        norm: "Linf", "L2" or "L1".
        steps: gradient steps; each run takes one gradient more.
        restarts: independent runs; a clip that is fooled, in 8 bits too, is left alone by later
            ones.
        eot: passes of a random model that each gradient, loss and prediction are averaged over.
        frames: most frames of a clip that may change, each within eps, under L-infinity; None is
            all. Sets of frames with the largest first-order gain are tried by short ascents, four
            by `steps` / 10 gradients from 20 steps on, and the best goes on; each restart tries the
            next four.
        loss: "ce", "dlr", "cw", or a function (logits, labels) -> (B,).
        targeted: make the clip look like its label instead of unlike it.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        seed: of the starts: a number, a generator, or one number a clip, int64 (B,).

    Returns:
        Adversarial clips (B, 3, T, H, W): of each the iterate with the largest loss, an adversarial
        one before any other.

    Raises:
        InputError: when clips, budget, steps or mask cannot be used.

    Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness", Algorithm 1; 2021,
    "Mind the box: l1-APGD for sparse adversarial attacks on image classifiers", Algorithm 1.
    """
    clips = checked_batch(
        clips, labels, eps=eps, norm=norm, steps=steps, restarts=restarts, eot=eot
    )
    check_setting("frames", frames, MostFrames)
    _check_frames(frames, norm)
    score = resolve_loss(loss)

    def signed(logits: Tensor, labels: Tensor) -> Tensor:
        return -score(logits, labels) if targeted else score(logits, labels)

    seeds = seeds_of(seed, clips)
    model = averaged(model, eot)
    ball = ball_of(norm, clips, eps, mask)
    reach = eps if isinstance(eps, float | int) else per_clip(eps, clips)
    result = clips.clone()
    settled = Settled(model, clips, labels, eps, targeted, norm)
    left = torch.arange(len(clips), device=clips.device)
    fooled = torch.zeros(len(clips), dtype=torch.bool, device=clips.device)
    with frozen(model):
        for restart in range(restarts):
            noise = uniform(seeds[left], clips.shape[1:], stream="apgd start", draw=restart)
            noise = noise.to(clips.dtype)
            own_reach = reach[left] if isinstance(reach, Tensor) else reach
            inside, truth = ball.select(left), labels[left]
            ascent = Ascent(model, truth, signed, targeted, own_reach, steps)
            if frames is not None and isinstance(inside, Box):
                run = run_in_frames(ascent, clips[left], inside, noise, frames, restart)
            else:
                run = _run(ascent, inside, noise)
            found = run.found
            # What fooled the model, if not in 8 bits, gives way to nothing that does not.
            taken = run.fooled | ~fooled[left]
            result[left[taken]] = found[taken]
            if restart + 1 < restarts:
                fooled[left] |= run.fooled
                left = left[~settled(found, run.fooled, left)]
                if len(left) == 0:
                    break
    return result


def _run(ascent: Ascent, ball: Box | NormBall, noise: Tensor) -> AutoPgdRun:
    """Run once from a random start; the gradients are one more than the steps."""
    if not isinstance(ball, L1Ball):
        run = AutoPgdRun(ascent, ball.at(noise))
        run.by_halving(ball, ascent.eps, ascent.steps)
        return run
    steps = ascent.steps
    # Balls three times and twice as large come first: their best points are good starts, each of
    # which costs a gradient.
    share = int(_LARGER_SHARE * (steps + 1))
    stages = [(3, share), (2, share), (1, steps + 1 - 2 * share)] if share > 1 else [(1, steps + 1)]
    start = None
    for factor, gradients in stages:
        around = replace(ball, radius=factor * ball.radius)
        point = around.at(noise) if start is None else around.project_(start.clone())
        run = AutoPgdRun(ascent, point)
        run.by_sparsity(around, factor * ascent.eps, gradients - 1, fresh=start is None)
        start = run.best
    return run


def _check_frames(frames: int | None, norm: str) -> None:
    """Refuse a budget of frames under another norm than L-infinity."""
    if frames is not None and norm != "Linf":
        raise InputError(
            f"frames bounds each pixel of its frames in Linf, not {norm}: leave frames or norm out",
            settings=("frames", "norm"),
        )


class APGD(VideoAttack):
    """Auto-PGD on a loss of choice, its step size adaptive; see `apgd`."""

    eps: ClipNormBudget = 8 / 255
    max_iter: Steps = 100
    num_random_init: Runs = 1
    loss: LossName = "ce"
    norm: NormName = "Linf"
    eot: Passes = 1
    frames: MostFrames = None

    def check_together(self) -> None:
        """Refuse frames under another norm; see `VideoAttack.check_together`."""
        _check_frames(self.frames, self.norm)

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        adversarial = apgd(
            model,
            batch.clips,
            batch.labels,
            eps=batch_budget(self.eps, batch),
            norm=self.norm,
            steps=self.max_iter,
            restarts=self.num_random_init,
            eot=self.eot,
            frames=self.frames,
            loss=self.loss,
            targeted=self.targeted,
            mask=batch.mask,
            seed=batch.seeds,
        )
        if self.frames is None:
            return Attacked(adversarial)
        changed = (adversarial != batch.clips).amax(dim=(1, 3, 4))
        return Attacked(adversarial, {"frames": changed.sum(dim=1), "support": frame_mask(changed)})


class APGDDLR(APGD):
    """Auto-PGD on the difference of logits ratio; see `apgd`."""

    loss: LossName = "dlr"

    def check_together(self) -> None:
        """Refuse another loss; see `VideoAttack.check_together`."""
        super().check_together()
        if self.loss != "dlr":
            raise InputError(f"apgd-dlr follows the DLR loss, not {self.loss!r}: use apgd-ce:loss=")
