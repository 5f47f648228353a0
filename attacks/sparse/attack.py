"""Sparse attack: few frames change, because the L2,1 norm of the perturbation is paid for."""

from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from advvid.attacks.core.ascent import input_gradient
from advvid.attacks.core.balls import lengths
from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled, outward
from advvid.attacks.core.frame_ranking import frame_mask, frame_saliency_scores, top_frames
from advvid.attacks.core.linf_box import both, linf_box
from advvid.attacks.core.losses import Loss, resolve_loss
from advvid.attacks.core.settings import Budget, LossName, MostFrames, Steps
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack
from advvid.attacks.sparse.fewest_frames import SparseProblem, fewest_frames
from advvid.attacks.sparse.proximal import descend_sparsely, frame_norms
from advvid.errors import InputError
from advvid.inference.frozen import Model, frozen
from advvid.methods import Setting, check_setting

Regularization = Annotated[
    float | None,
    Setting(
        "price of a frame, 1 and more leaves every clip as it is; not given, the highest that "
        "fools is searched for each clip, and frames that are not needed are dropped",
        at_least=0,
    ),
]
Order = Annotated[
    str | None,
    Setting(
        "with frames, which: the first, evenly spread, or the most salient (not given)",
        choices=("first", "spread", "salient"),
    ),
]


class SparseResult(NamedTuple):
    """Clips under attack, and how sparse their perturbation is."""

    clips: Tensor
    """(B, 3, T, H, W)."""
    frames: Tensor
    """int64 (B,): frames that changed."""
    norm: Tensor
    """(B,): sum over frames of the L2 norm of what changed."""
    support: Tensor
    """bool (B, 1, T, 1, 1): frames that were allowed to change."""


@clip_attack
def sparse_attack(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float,
    regularization: float | None = None,
    steps: int = 50,
    frames: int | None = None,
    order: str | None = None,
    loss: str | Loss = "ce",
    targeted: bool = False,
    mask: Tensor | None = None,
) -> SparseResult:
    """Attack clips while paying for every frame that changes.

    Minimizes lambda sum_t ||delta_t||_2 - L(F(x + delta), y) over |delta| <= eps by proximal
    gradient steps: after a step along the gradient g, every frame is shortened by the same length,
    and one that is shorter than that is 0 again. lambda is counted in the length of the gradient of
    the most sensitive frame, so that it means the same for every model: at the clean clip, frames
    start to move only where ||g_t|| > lambda max_s ||g_s||, none of them from lambda = 1 on.

    With a lambda, the best of all iterates is kept: one that is adversarial, if possible rounded to
    8 bits within the budget too, before any other, then the one with the smallest norm, or with the
    largest loss. Without, each clip has its own, see `fewest_frames`.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,): true labels, or targets when `targeted`.
        eps: L-infinity budget of every pixel, in (0, 1].
        regularization: lambda, at least 0; None searches one for each clip.
        steps: gradient steps; without a lambda, those of all that are tried together.
        frames: how many frames may change at all, the frame mask of the paper; None is all.
        order: with `frames`, which: the "first", evenly "spread", or, as with None, the most
            "salient" (largest mean absolute gradient).
        loss: "ce", "dlr", "cw", or a function (logits, labels) -> (B,).
        targeted: make the clip look like its label instead of unlike it.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.

    Returns:
        Clips (B, 3, T, H, W), changed frames, norms, and the frames that were allowed.

    Raises:
        InputError: when clips or settings cannot be used.

    Source: Wei, Zhu and Su 2019, "Sparse adversarial perturbations for videos"; they
    take Adam, which never leaves a frame at exactly 0, and no L-infinity bound.
    """
    clips = checked_batch(clips, labels, eps=eps, steps=steps)
    check_setting("regularization", regularization, Regularization)
    check_setting("frames", frames, MostFrames)
    check_setting("order", order, Order)
    _check_order(order, frames)
    score = resolve_loss(loss)
    allowed = clips.new_ones(len(clips), 1, clips.shape[2], 1, 1).bool()
    settled = Settled(model, clips, labels, eps, targeted)
    with frozen(model):
        if frames is not None:
            allowed = _frame_mask(model, clips, labels, score, frames, order, mask)
        box = linf_box(clips, eps, both(allowed, mask, clips))
        if regularization is None:
            found = fewest_frames(SparseProblem(settled, score, box, eps), steps)
        else:
            price = clips.new_full((len(clips),), regularization)
            found = descend_sparsely(settled, score, box, price, eps, steps)
        longest = eps / lengths(found - clips, "Linf").clamp_min(1e-12)
        found = outward(found, settled.fooled(found), box, settled, longest)
    norms = frame_norms(found - clips)
    return SparseResult(found, (norms > 0).sum(dim=1), norms.sum(dim=1), allowed)


def _frame_mask(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    loss: Loss,
    frames: int,
    order: str | None,
    mask: Tensor | None,
) -> Tensor:
    """Mark the frames that may change, bool (B, 1, T, 1, 1)."""
    total = clips.shape[2]
    count = min(frames, total)
    if order in (None, "salient"):
        gradient, _, _ = input_gradient(model, clips, labels, loss)
        return top_frames(frame_saliency_scores(gradient, mask), count)
    chosen = torch.zeros(total, dtype=torch.bool, device=clips.device)
    if order == "first":
        chosen[:count] = True
    else:
        # The middle of each of `count` equal parts.
        chosen[((torch.arange(count) + 0.5) * total / count).long()] = True
    return frame_mask(chosen.expand(len(clips), total))


def _check_order(order: str | None, frames: int | None) -> None:
    if order is not None and frames is None:
        raise InputError(f"order {order!r} says which frames may change: give frames as well")


class SparseAttack(VideoAttack):
    """As few frames as it takes, because each that changes has its price; see `sparse_attack`.

    Its report has the "frames" that changed and the L2,1 "norm" of each clip.
    """

    bound = "Linf, few frames (L2,1)"
    eps: Budget = 8 / 255
    regularization: Regularization = None
    max_iter: Steps = 50
    frames: MostFrames = None
    order: Order = None
    loss: LossName = "ce"

    def check_together(self) -> None:
        """Refuse an order without a number of frames; see `VideoAttack.check_together`."""
        _check_order(self.order, self.frames)

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        result = sparse_attack(
            model,
            batch.clips,
            batch.labels,
            eps=self.eps,
            regularization=self.regularization,
            steps=self.max_iter,
            frames=self.frames,
            order=self.order,
            loss=self.loss,
            targeted=self.targeted,
            mask=batch.mask,
        )
        support = both(result.support, batch.mask, batch.clips)
        return Attacked(
            result.clips, {"frames": result.frames, "norm": result.norm, "support": support}
        )
