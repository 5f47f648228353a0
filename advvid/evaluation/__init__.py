"""Accuracy under attack and other conditions, judged here and not by the attacks."""

from advvid.data.clip_source import ClipSource, DatasetClips, MemoryClips
from advvid.evaluation.accuracy import Accuracy
from advvid.evaluation.condition import TOLERANCE as BOUND_TOLERANCE
from advvid.evaluation.condition import Axis, Condition, Outcome, Setup, Strength
from advvid.evaluation.condition_result import ConditionResult
from advvid.evaluation.conditions.minimal import Minimal
from advvid.evaluation.conditions.registry import CONDITIONS
from advvid.evaluation.conditions.sampling import Sampling
from advvid.evaluation.conditions.suites import SUITES
from advvid.evaluation.conditions.target import Target
from advvid.evaluation.evaluate import evaluate, evaluate_into
from advvid.evaluation.evaluation import Evaluation
from advvid.evaluation.plan import Scoring, plan_evaluation
from advvid.evaluation.result import Alarm

__all__ = [
    "BOUND_TOLERANCE",
    "CONDITIONS",
    "SUITES",
    "Accuracy",
    "Alarm",
    "Axis",
    "ClipSource",
    "Condition",
    "ConditionResult",
    "DatasetClips",
    "Evaluation",
    "MemoryClips",
    "Minimal",
    "Outcome",
    "Sampling",
    "Scoring",
    "Setup",
    "Strength",
    "Target",
    "evaluate",
    "evaluate_into",
    "plan_evaluation",
]
