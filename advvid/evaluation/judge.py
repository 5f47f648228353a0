"""The verdict on clips: predictions as they are, and as a video file would keep them."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from advvid.attacks.core.eight_bits import in_8_bits
from advvid.attacks.flickering.terms import roughness_percent, thickness_percent
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation.condition import TOLERANCE


@dataclass(frozen=True)
class Verdict:
    """Predictions of a model on some clips, (B,) each, on the CPU.

    Args:
        predicted: class.
        correct: whether it is the label.
        loss: cross-entropy at the label.
        correct_8bit: whether the clip, rounded to 8 bits, is classified correctly.
        correct_h264: the same after H.264, or None where that was not asked for.
        reached: whether the class is the target; None where there is none, as the next two.
        reached_8bit: the same after rounding to 8 bits.
        reached_h264: the same after H.264.
    """

    predicted: Tensor
    correct: Tensor
    loss: Tensor
    correct_8bit: Tensor
    correct_h264: Tensor | None
    reached: Tensor | None = None
    reached_8bit: Tensor | None = None
    reached_h264: Tensor | None = None


def judge(
    classifier: VideoClassifier,
    clips: Tensor,
    labels: Tensor,
    *,
    h264: int | None = None,
    within: tuple[Tensor, float] | None = None,
    views: int = 1,
    targets: Tensor | None = None,
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
        targets: int64 (B,), classes that the clips were to look like, or None.

    Raises:
        InputError: when a logit is NaN or infinite, saying where.
    """
    logits, truth = _logits(classifier, clips, views), labels.cpu()
    predicted = logits.argmax(dim=1)

    def seen_as(seen: Tensor) -> Tensor:
        return _logits(classifier, seen, views).argmax(dim=1)

    after_h264 = None
    if h264 is not None:
        from advvid.data.video.round_trip import h264_round_trip

        with located("after H.264"):
            after_h264 = seen_as(h264_round_trip(clips.cpu(), crf=h264).to(clips.device))
    with located("after rounding to 8 bits"):
        in_levels = seen_as(in_8_bits(clips, within))

    def among(wanted: Tensor | None) -> list[Tensor | None]:
        wanted = None if wanted is None else wanted.cpu()
        answers = (predicted, in_levels, after_h264)
        return [None if wanted is None or one is None else one == wanted for one in answers]

    correct, correct_8bit, correct_h264 = among(truth)
    assert correct is not None
    assert correct_8bit is not None
    loss = F.cross_entropy(logits, truth, reduction="none")
    return Verdict(predicted, correct, loss, correct_8bit, correct_h264, *among(targets))


def changes(clean: Tensor, changed: Tensor) -> dict[str, Tensor]:
    """Measure how far clips were changed, from the clips themselves.

    Args:
        clean: (B, 3, T, H, W).
        changed: of the same shape.

    Returns:
        (B,) each: "frames", of which any pixel differs; "thickness", the mean size of the change,
        and "roughness", the mean size of what it differs from frame to frame, with the first frame
        after the last; both in percent of the pixel range.

    Source: Pony, Naeh and Mannor 2021, "Over-the-air adversarial flickering attacks against video
    recognition networks".
    """
    delta = changed - clean
    # Rounding of float32 is no change that anybody could see or store.
    frames = (delta.abs().amax(dim=(1, 3, 4)) > TOLERANCE).sum(dim=1)
    return {
        "frames": frames.cpu(),
        "thickness": thickness_percent(delta).cpu(),
        "roughness": roughness_percent(delta).cpu(),
    }


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put into an error of the block where it shows."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}", settings=error.settings) from error


def _logits(classifier: VideoClassifier, clips: Tensor, views: int) -> Tensor:
    """Give logits (B, K); of several views the log of the mean score."""
    logits = classifier.logits(clips).cpu()
    if views == 1:
        return logits
    scores = logits.view(-1, views, logits.shape[1]).log_softmax(dim=2)
    return scores.logsumexp(dim=1) - math.log(views)
