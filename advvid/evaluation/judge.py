"""The verdict on clips: predictions as they are, and as a video file would keep them."""

import math
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from advvid.attacks.core.eight_bits import in_8_bits
from advvid.estimator.video_classifier import VideoClassifier


@dataclass(frozen=True)
class Verdict:
    """Predictions of a model on some clips, (B,) each, on the CPU.

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
    views: int = 1,
) -> Verdict:
    """Score clips in evaluation mode, as they are and as a video file would keep them.

    Args:
        classifier: that is evaluated.
        clips: (B * views, 3, T, H, W) in [0, 1].
        labels: int64 (B,).
        h264: constant rate factor of an H.264 round trip, 0 to 51; None leaves it out.
        within: clean clips and their Linf budget, which rounding to 8 bits must not leave; None
            rounds every pixel to the nearest level.
        views: neighboring clips whose softmax scores are averaged.
    """
    logits, truth = _logits(classifier, clips, views), labels.cpu()
    predicted = logits.argmax(dim=1)

    def correct(seen: Tensor) -> Tensor:
        return _logits(classifier, seen, views).argmax(dim=1) == truth

    after_h264 = None
    if h264 is not None:
        from advvid.data.video.round_trip import h264_round_trip

        after_h264 = correct(h264_round_trip(clips.cpu(), crf=h264).to(clips.device))
    return Verdict(
        predicted=predicted,
        correct=predicted == truth,
        loss=F.cross_entropy(logits, truth, reduction="none"),
        correct_8bit=correct(in_8_bits(clips, within)),
        correct_h264=after_h264,
    )


def _logits(classifier: VideoClassifier, clips: Tensor, views: int) -> Tensor:
    """Give logits (B, K); of several views the log of the mean score."""
    logits = classifier.logits(clips).cpu()
    if views == 1:
        return logits
    scores = logits.view(-1, views, logits.shape[1]).log_softmax(dim=2)
    return scores.logsumexp(dim=1) - math.log(views)
