"""The one training loop: settings, tasks, checkpoints, history."""

from advvid.training.batches import Batches, DatasetBatches, LoaderBatches
from advvid.training.measuring.robust_check import ClipAttack, RobustCheck
from advvid.training.records.checkpoints import load_checkpoint, save_checkpoint
from advvid.training.records.curves import generalization_gap, learning_curve
from advvid.training.records.history import EpochRecord, History
from advvid.training.settings import TrainSettings
from advvid.training.step import Step, StepTask, TrainStep, clean_step
from advvid.training.task import EpochContext, Loss, StepContext, Task
from advvid.training.train import train

__all__ = [
    "Batches",
    "ClipAttack",
    "DatasetBatches",
    "EpochContext",
    "EpochRecord",
    "History",
    "LoaderBatches",
    "Loss",
    "RobustCheck",
    "Step",
    "StepContext",
    "StepTask",
    "Task",
    "TrainSettings",
    "TrainStep",
    "clean_step",
    "generalization_gap",
    "learning_curve",
    "load_checkpoint",
    "save_checkpoint",
    "train",
]
