"""All alarms of an evaluation: what its rows say, and what its probes do.

They follow the checks of Athalye, Carlini and Wagner 2018 ("Obfuscated gradients give a false sense
of security", sec. 3.1), of Carlini et al. 2019 ("On evaluating adversarial robustness", sec. 4 and
5) and of Croce and Hein 2020 ("Reliable evaluation of adversarial robustness", the flags of its
code).
"""

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.evaluation.alarms.answers import answer_alarms
from advvid.evaluation.alarms.gradients import gradient_alarms
from advvid.evaluation.alarms.rows import row_alarms
from advvid.evaluation.result import Alarm, Results


def find_alarms(results: Results, law: StepSizeLaw) -> tuple[Alarm, ...]:
    """Look for all signs in results and in their probes, if any; `law` gives the usual steps."""
    blind = any(one.facts.get("access") == "black box" for one in results.results)
    probed = {**results.probes, "eot": results.eot, "black_box": blind} if results.probes else {}
    return (*row_alarms(results, law), *gradient_alarms(probed), *answer_alarms(probed))
