"""Conditions by the names of the command line; attacks have a registry of their own."""

from advvid.evaluation.condition import Condition
from advvid.evaluation.conditions.sampling import Sampling
from advvid.methods import Registry

CONDITIONS: Registry[type[Condition]] = Registry("condition", {"sampling": Sampling})
