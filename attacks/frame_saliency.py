"""PGD on as few frames as it takes, the most salient first."""

from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from advvid.attacks.core.ascent import ascend, input_gradient
from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.frame_ranking import (
    frame_mask,
    frame_saliency_scores,
    rank_frames,
    top_frames,
)
from advvid.attacks.core.linf_box import Box, both, linf_box, per_clip
from advvid.attacks.core.losses import Loss, is_adversarial, resolve_loss
from advvid.attacks.core.settings import ClipBudget, EpsStep, LossName, MostFrames, Steps
from advvid.attacks.core.step_law import StepSizeLaw, resolve_step
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack, batch_budget
from advvid.attacks.pgd import linf_pgd
from advvid.inference.frozen import Model, frozen
from advvid.methods import Setting, check_setting

Method = Annotated[
    str,
    Setting("how frames are chosen", choices=("one-shot", "iterative", "refresh")),
]


class FrameSaliencyResult(NamedTuple):
    """Attacked clips, and the frames that were needed."""

    clips: Tensor
    """(B, 3, T, H, W)."""
    frames: Tensor
    """int64 (B,): frames that were needed, or the most allowed where they were not enough."""
    support: Tensor
    """bool (B, 1, T, 1, 1): frames that may have been changed."""


@clip_attack
def frame_saliency(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    method: str = "iterative",
    frames: int | None = None,
    step_size: float | StepSizeLaw | None = None,
    steps: int = 20,
    targeted: bool = False,
    mask: Tensor | None = None,
    loss: str | Loss = "ce",
) -> FrameSaliencyResult:
    """Attack the most salient frames of clips, each clip until it is misclassified.

    Frames are ordered by the mean absolute gradient of the loss, largest first. "one-shot" attacks
    all frames at once, or only the `frames` first of the order. "iterative" computes one PGD
    perturbation and switches its frames on one by one. "refresh" ranks the remaining frames
    again after each one, and computes the next perturbation on the clip as changed so far.

    Success is that of the attack (another class than the label, or the target), clip by clip, as
    the clip is and rounded to 8 bits within the budget; where no number of frames achieves both,
    the first that fools the model as it is counts. A clip that is misclassified from the start
    needs 0 frames, except in one shot.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,): true labels, or targets when `targeted`.
        eps: budget in (0, 1], one for all or (B,).
        method: "one-shot", "iterative" or "refresh".
        frames: most frames of a clip that may be changed; None is all.
        step_size: see `linf_pgd`.
        steps: of PGD; with "refresh" for every frame.
        targeted: make the clip look like its label instead of unlike it.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        loss: "ce", "dlr", "cw", or a function.

    Returns:
        Clips, frames needed, and the frames that were touched.

    Raises:
        InputError: as `linf_pgd`; for an unknown method or a number of frames below 1.

    Source: Inkawhich et al. 2018; Kinfu and Vidal 2022, sec. 2, "Frame saliency attacks".
    """
    clips = checked_batch(clips, labels, eps=eps, steps=steps)
    check_setting("method", method, Method)
    check_setting("frames", frames, MostFrames)
    count = clips.shape[2] if frames is None else min(frames, clips.shape[2])
    score = resolve_loss(loss)
    step = resolve_step(step_size, eps)
    settled = Settled(model, clips, labels, eps, targeted)
    with frozen(model):
        if method == "refresh":
            attack = _Refresh(settled, score, linf_box(clips, eps, mask))
            return attack.run(per_clip(step, clips), steps, count)

        def pgd(support: Tensor | None) -> Tensor:
            return linf_pgd(
                model,
                clips,
                labels,
                eps=eps,
                step_size=step_size,
                steps=steps,
                targeted=targeted,
                mask=support,
                loss=score,
            )

        if method == "one-shot" and frames is None:
            everywhere = torch.ones(len(clips), 1, clips.shape[2], 1, 1, device=clips.device)
            needed = torch.full((len(clips),), count, device=clips.device)
            return FrameSaliencyResult(pgd(mask), needed, everywhere.bool())
        gradient, _, logits = input_gradient(model, clips, labels, score)
        scores = frame_saliency_scores(gradient, mask)
        if method == "one-shot":
            chosen = top_frames(scores, count)
            needed = torch.full((len(clips),), count, device=clips.device)
            return FrameSaliencyResult(pgd(both(chosen, mask, clips)), needed, chosen)
        fooled = is_adversarial(logits, labels, targeted)
        return _switch_on(settled, pgd(mask), rank_frames(scores), fooled, count)


@torch.no_grad()
def _switch_on(
    settled: Settled, perturbed: Tensor, rank: Tensor, fooled: Tensor, most: int
) -> FrameSaliencyResult:
    """Take frames of perturbed clips one by one, by their rank, until each clip is settled."""
    clips, labels = settled.clean, settled.labels
    needed = torch.where(fooled, 0, most)
    found = fooled.clone()
    active = (~fooled).nonzero().squeeze(1)
    # All frames that are allowed are looked at only for clips that fewer fool, but not in 8 bits.
    for count in range(1, most):
        if len(active) == 0:
            break
        candidate = torch.where(frame_mask(rank[active] < count), perturbed[active], clips[active])
        fools = is_adversarial(settled.model(candidate), labels[active], settled.targeted)
        done = settled(candidate, fools, active)
        first = active[fools & ~found[active]]
        needed[active[done]] = count
        needed[first] = count
        found[first] = True
        active = active[~done]
    active = active[found[active]]
    if len(active) > 0:
        candidate = torch.where(frame_mask(rank[active] < most), perturbed[active], clips[active])
        fools = is_adversarial(settled.model(candidate), labels[active], settled.targeted)
        needed[active[settled(candidate, fools, active)]] = most
    support = frame_mask(rank < needed[:, None])
    return FrameSaliencyResult(torch.where(support, perturbed, clips), needed, support)


class _Refresh:
    """Iterative with refresh: every clip has its own frames, order and end."""

    def __init__(self, settled: Settled, loss: Loss, box: Box) -> None:
        self.settled = settled
        self.loss = loss
        self.box = box
        self.current = settled.clean.clone()
        self.changed = torch.zeros_like(self.current[:, 0, :, 0, 0], dtype=torch.bool)
        # The first clips that fool the model, and their frames.
        self.fooling, self.fooling_changed = self.current.clone(), self.changed.clone()
        self.fooled = torch.zeros_like(self.changed[:, 0])

    def run(self, step: float | Tensor, steps: int, most: int) -> FrameSaliencyResult:
        """Add frame after frame to the clips that are not settled."""
        model, targeted = self.settled.model, self.settled.targeted
        active = torch.arange(len(self.current), device=self.current.device)
        for _ in range(most):
            labels = self.settled.labels[active]
            gradient, _, logits = input_gradient(model, self.current[active], labels, self.loss)
            left = ~self._look(active, is_adversarial(logits, labels, targeted))
            active, labels, gradient = active[left], labels[left], gradient[left]
            if len(active) == 0:
                break
            open_ = (self.box.lower < self.box.upper)[active]
            scores = frame_saliency_scores(gradient, open_).masked_fill(self.changed[active], -1)
            chosen = rank_frames(scores) == 0
            self.changed[active] |= chosen
            self.current[active] = ascend(
                model,
                self.current[active],
                labels,
                loss=self.loss,
                ball=self._one_frame(active, chosen),
                step=step[active] if isinstance(step, Tensor) else step,
                steps=steps,
                targeted=targeted,
            )
        # Clips that fooled the model earlier, but not in 8 bits, and do not now either.
        back = active[self.fooled[active]]
        if len(back) > 0:
            with torch.no_grad():
                logits = model(self.current[back])
            fooled = is_adversarial(logits, self.settled.labels[back], targeted)
            back = back[~self.settled(self.current[back], fooled, back)]
            self.current[back] = self.fooling[back]
            self.changed[back] = self.fooling_changed[back]
        return FrameSaliencyResult(self.current, self.changed.sum(dim=1), frame_mask(self.changed))

    def _look(self, active: Tensor, fooled: Tensor) -> Tensor:
        """Tell which clips are settled, and keep those that are fooled for the first time."""
        # A clip that is misclassified from the start is left as it is.
        clean = ~self.changed[active].any(dim=1)
        first = active[fooled & ~self.fooled[active]]
        self.fooling[first] = self.current[first]
        self.fooling_changed[first] = self.changed[first]
        self.fooled[first] = True
        return (fooled & clean) | self.settled(self.current[active], fooled & ~clean, active)

    def _one_frame(self, active: Tensor, chosen: Tensor) -> Box:
        """Let one frame of each clip move within the budget of the clean clip, nothing else."""
        frame, here = frame_mask(chosen), self.current[active]
        bounds = self.box.select(active)
        return Box(torch.where(frame, bounds.lower, here), torch.where(frame, bounds.upper, here))


class FrameSaliency(VideoAttack):
    """PGD on as few frames as it takes, the most salient first; see `frame_saliency`.

    Its report has "frames", how many frames each clip needed.
    """

    bound = "Linf in frames"
    eps: ClipBudget = 8 / 255
    eps_step: EpsStep = None
    max_iter: Steps = 20
    loss: LossName = "ce"
    method: Method = "iterative"
    frames: MostFrames = None

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        result = frame_saliency(
            model,
            batch.clips,
            batch.labels,
            eps=batch_budget(self.eps, batch),
            method=self.method,
            frames=self.frames,
            step_size=self.eps_step,
            steps=self.max_iter,
            targeted=self.targeted,
            mask=batch.mask,
            loss=self.loss,
        )
        return Attacked(result.clips, {"frames": result.frames, "support": result.support})
