"""Accuracy under attack, judged here and not by the attacks."""

from advvid.data.source import ClipSource, DatasetClips, MemoryClips
from advvid.evaluation.accuracy import Accuracy
from advvid.evaluation.alarms import Alarm
from advvid.evaluation.evaluate import evaluate
from advvid.evaluation.judge import BOUND_TOLERANCE
from advvid.evaluation.result import AttackResult, Evaluation
from advvid.evaluation.suites import SUITES

__all__ = [
    "BOUND_TOLERANCE",
    "SUITES",
    "Accuracy",
    "Alarm",
    "AttackResult",
    "ClipSource",
    "DatasetClips",
    "Evaluation",
    "MemoryClips",
    "evaluate",
]
