"""The one training loop: settings, steps, checkpoints, history."""

from advvid.training.checkpoints import load_checkpoint, save_checkpoint
from advvid.training.history import EpochRecord, History
from advvid.training.learning_curve import learning_curve
from advvid.training.loop import train
from advvid.training.settings import TrainSettings
from advvid.training.step import StatefulStep, StepContext, TrainStep, clean_step

__all__ = [
    "EpochRecord",
    "History",
    "StatefulStep",
    "StepContext",
    "TrainSettings",
    "TrainStep",
    "clean_step",
    "learning_curve",
    "load_checkpoint",
    "save_checkpoint",
    "train",
]
