"""Signs that an evaluation over-reports robustness, each with what was measured."""

from advvid.evaluation.alarms.find import find_alarms
from advvid.evaluation.alarms.measure import measure_probes

__all__ = ["find_alarms", "measure_probes"]
