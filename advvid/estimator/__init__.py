"""A video classifier as an ART estimator."""

from advvid.estimator.video_classifier import VideoClassifier

__all__ = ["VideoClassifier"]
