"""Video classifiers: the bundled one, published ones, and adapters for those of other libraries."""

from advvid.models.architectures.temporal_shift import temporal_shift
from advvid.models.load import load_model
from advvid.models.registry import MODELS, list_models
from advvid.models.video_model import VideoModel
from advvid.models.weights.load import load_weights, save_weights

__all__ = [
    "MODELS",
    "VideoModel",
    "list_models",
    "load_model",
    "load_weights",
    "save_weights",
    "temporal_shift",
]
