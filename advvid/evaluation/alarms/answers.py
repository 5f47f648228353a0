"""Signs in the answers of a model: attacks see others than the score does, or no logits."""

from collections.abc import Iterator, Mapping
from typing import Any

from advvid.evaluation.result import Alarm

DIFFERS = 1e-3
"""Identical calls of a model that draws nothing at random give logits closer than this."""

_ALONE_DIFFERS = 1e-2
_RESOLUTIONS = 8.0
"""Another batch size is another order of additions, by which answers may differ."""


def answer_alarms(probes: Mapping[str, Any]) -> Iterator[Alarm]:
    """Look for signs in what was measured, see `measure_probes`; nothing shows none."""
    if "differs" not in probes:
        return
    differs, alone = probes["differs"], probes["alone_differs"]
    if differs > DIFFERS and probes["eot"] == 1:
        yield Alarm(
            "outputs differ between identical calls",
            f"logits of the same clips differ by up to {differs:.3g} between two calls: attacks "
            "see one draw and the score another; average over draws with --eot 10 (eot=10)",
            {"differs": differs, "clips": probes["clips"]},
        )
    # A model that answers at random answers a clip alone in another way, too.
    if alone > max(_ALONE_DIFFERS, _RESOLUTIONS * probes["resolution"], 3 * differs):
        yield Alarm(
            "outputs depend on the batch",
            f"logits of a clip alone and in its batch differ by up to {alone:.3g}: the other clips "
            "have a say, and attacks fight each other; use fixed statistics in the model, or "
            "evaluate clip by clip (batch_size=1)",
            {"alone_differs": alone, "clips": probes["clips"]},
        )
    if probes["probabilities"] == probes["clips"]:
        yield Alarm(
            "outputs look like probabilities",
            "all outputs are in [0, 1] and sum to 1: losses of attacks take logits, and "
            "probabilities saturate; leave the softmax out of the model, or take their logarithm",
            {"probabilities": probes["probabilities"]},
        )
