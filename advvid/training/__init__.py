"""The one training loop: settings, steps, checkpoints, history."""

from advvid.training.batches import Batches, DatasetBatches, LoaderBatches
from advvid.training.checkpoints import load_checkpoint, save_checkpoint
from advvid.training.curves import generalization_gap, learning_curve
from advvid.training.history import EpochRecord, History
from advvid.training.loop import train
from advvid.training.measuring.robust_check import ClipAttack, RobustCheck
from advvid.training.settings import TrainSettings
from advvid.training.step import (
    EpochContext,
    EpochStep,
    ReplayingStep,
    ReportingStep,
    StatefulStep,
    StepContext,
    TrainStep,
    clean_step,
)

__all__ = [
    "Batches",
    "ClipAttack",
    "DatasetBatches",
    "EpochContext",
    "EpochRecord",
    "EpochStep",
    "History",
    "LoaderBatches",
    "ReplayingStep",
    "ReportingStep",
    "RobustCheck",
    "StatefulStep",
    "StepContext",
    "TrainSettings",
    "TrainStep",
    "clean_step",
    "generalization_gap",
    "learning_curve",
    "load_checkpoint",
    "save_checkpoint",
    "train",
]
