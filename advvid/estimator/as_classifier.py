"""A classifier out of whatever a caller has: a classifier, a model, a plain module."""

import itertools

from art.estimators import BaseEstimator
from torch import Tensor, nn

from advvid.checks import check_clip_shape
from advvid.errors import InputError, shown
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.probe import probe_model


def as_classifier(model: object, clips: Tensor) -> VideoClassifier:
    """Make a classifier for clips like these; a `VideoClassifier` is given back as it is.

    A module is run once, to see that it takes the clips and how many classes it has. One that lies
    on an accelerator stays there; another goes where `VideoClassifier` puts it.

    Args:
        model: a `VideoClassifier`, or a module from clips (B, 3, T, H, W) in [0, 1] to logits
            (B, K), such as a `VideoModel`.
        clips: float (B, 3, T, H, W) in [0, 1], at least one.

    Raises:
        InputError: for anything else, or a module that fails on the clips.
    """
    if isinstance(model, VideoClassifier):
        return model
    if isinstance(model, BaseEstimator):
        raise InputError(
            f"{type(model).__name__} is an estimator of ART for images: hand in its torch module, "
            "classifier.model, or build VideoClassifier(classifier.model)"
        )
    if not isinstance(model, nn.Module):
        got = type(model).__name__
        if isinstance(model, str):
            got = f"a string: load it with advvid.load_model({shown(model)})"
        raise InputError(
            "the model must be a VideoClassifier, a model of load_model or a torch module; "
            f"got {got}"
        )
    check_clip_shape(clips)
    if not len(clips):
        raise InputError(f"clips are empty: got shape {tuple(clips.shape)}; hand in at least one")
    tensors = itertools.chain(model.parameters(), model.buffers())
    at = next((tensor.device for tensor in tensors), clips.device)
    logits = probe_model(model, clips[:1].to(at))
    return VideoClassifier(
        model,
        input_shape=tuple(clips.shape[1:]),
        nb_classes=logits.shape[1],
        device="auto" if at.type == "cpu" else at,
    )
