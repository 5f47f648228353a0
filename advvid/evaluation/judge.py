"""The verdict on what an attack gave: bound, support, predictions. No attack judges itself."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from advvid.attacks.core.linf_box import check_mask
from advvid.attacks.core.video_attack import Attacked, Norm
from advvid.estimator.video_classifier import VideoClassifier

BOUND_TOLERANCE = 1e-6
"""How far beyond its budget a result may lie before it counts as a broken attack."""

_LEVEL_ROUNDING = 1e-3
"""Of a level: what float32 adds to a budget that is a whole number of them."""


@dataclass(frozen=True)
class Verdict:
    """How a model answers to some clips, (B,) each, on the CPU.

    Args:
        predicted: class.
        correct: whether it is the label.
        loss: cross-entropy at the label.
        correct_8bit: whether the clip, rounded to 8 bits, is classified correctly.
        correct_h264: the same after H.264, or None where that was not asked for.
    """

    predicted: Tensor
    correct: Tensor
    loss: Tensor
    correct_8bit: Tensor
    correct_h264: Tensor | None


def judge(
    classifier: VideoClassifier,
    clips: Tensor,
    labels: Tensor,
    *,
    h264: int | None = None,
    within: tuple[Tensor, float] | None = None,
) -> Verdict:
    """Score clips in evaluation mode, as they are and as a video file would keep them.

    Args:
        classifier: the classifier under attack.
        clips: (B, 3, T, H, W) in [0, 1].
        labels: int64 (B,).
        h264: constant rate factor of an H.264 round trip, 0 to 51; None leaves it out.
        within: clean clips and their Linf budget, which rounding to 8 bits must not leave; None
            rounds every pixel to the nearest level.
    """
    logits = classifier.logits(clips).cpu()
    truth = labels.cpu()
    predicted = logits.argmax(dim=1)
    rounded = _in_8_bits(clips, within)
    after_h264 = None
    if h264 is not None:
        from advvid.data.video.round_trip import h264_round_trip

        coded = h264_round_trip(clips.cpu(), crf=h264).to(clips.device)
        after_h264 = _predicted(classifier, coded) == truth
    return Verdict(
        predicted=predicted,
        correct=predicted == truth,
        loss=F.cross_entropy(logits, truth, reduction="none"),
        correct_8bit=_predicted(classifier, rounded) == truth,
        correct_h264=after_h264,
    )


def _in_8_bits(clips: Tensor, within: tuple[Tensor, float] | None) -> Tensor:
    """Round to levels of 1/255: the nearest, or the nearest of those in a Linf budget."""
    levels = (clips * 255).round_()
    if within is not None:
        clean, eps = within
        # A budget of 1.9 levels allows one, not the two that are nearer to its end.
        lower = ((clean - eps) * 255 - _LEVEL_ROUNDING).ceil_()
        upper = ((clean + eps) * 255 + _LEVEL_ROUNDING).floor_()
        # A clean pixel between levels may have none in a small budget.
        levels = torch.where(lower <= upper, levels.clamp(lower, upper), levels)
    return levels.div_(255).clamp_(0, 1)


def held_to_bound(
    name: str, clips: Tensor, attacked: Attacked, *, eps: float, norm: Norm
) -> Tensor:
    """Check bound, pixel range and support of a result, and project the last rounding away.

    Args:
        name: of the attack, for the message.
        clips: clean, (B, 3, T, H, W).
        attacked: what the attack gave.
        eps: budget in this norm. An attack without a bound of its own ("none") is projected to the
            Linf budget, however far it went.
        norm: that `eps` bounds.

    Returns:
        Clips (B, 3, T, H, W) that keep to the budget and to [0, 1].

    Raises:
        RuntimeError: when the result is further away than the tolerance, or has changed what its
            support leaves out: a defect of the attack.
    """
    adversarial = attacked.clips
    if adversarial.shape != clips.shape or not bool(torch.isfinite(adversarial).all()):
        raise RuntimeError(f"{name} gave clips of another shape, or with NaN")
    delta = adversarial - clips
    distance = _distance(delta, norm)
    low, high = (float(v) for v in torch.aminmax(adversarial))
    in_range = low >= -BOUND_TOLERANCE and high <= 1 + BOUND_TOLERANCE
    if not (in_range and (norm == "none" or distance <= eps + BOUND_TOLERANCE)):
        raise RuntimeError(
            f"{name} left its bound: {norm} distance {distance:.7g} with eps {eps:.7g}, pixels "
            f"from {low:g} to {high:g}"
        )
    support = attacked.report.get("support")
    if support is not None:
        outside = delta.masked_fill(check_mask(support, clips), 0)
        if bool((outside != 0).any()):
            raise RuntimeError(f"{name} changed pixels that its support leaves out")
    if norm != "L2":
        return adversarial.clamp(clips - eps, clips + eps).clamp_(0, 1)
    return adversarial.clamp(0, 1)


def _distance(delta: Tensor, norm: Norm) -> float:
    """Largest distance of a batch."""
    if norm == "L2":
        return float(delta.flatten(1).double().norm(dim=1).max())
    return float(delta.abs().max())


def _predicted(classifier: VideoClassifier, clips: Tensor) -> Tensor:
    return classifier.logits(clips).argmax(dim=1).cpu()
