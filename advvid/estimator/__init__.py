"""A video classifier as an ART estimator."""

from advvid.estimator.as_classifier import as_classifier
from advvid.estimator.video_classifier import VideoClassifier

__all__ = ["VideoClassifier", "as_classifier"]
