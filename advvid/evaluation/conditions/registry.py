"""Conditions by the names of the command line; attacks have a registry of their own."""

from advvid.evaluation.condition import Condition
from advvid.evaluation.conditions.minimal import Minimal
from advvid.evaluation.conditions.sampling import Sampling
from advvid.methods import MethodRegistry

CONDITIONS: MethodRegistry[Condition] = MethodRegistry(
    "condition", Condition, {"sampling": Sampling, "minimal": Minimal}
)
