"""Signs that gradients are missing, wrong, or say nothing of the loss."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from advvid.evaluation.alarms.finite_differences import AGREES
from advvid.evaluation.result import Alarm

_SCALE = 3.0
_SURE = 4.0
"""Standard errors that a part of the gradient must be off by, before it is named."""

_CHANNELS = {3: ("red", "green", "blue")}


def gradient_alarms(probes: Mapping[str, Any]) -> Iterator[Alarm]:
    """Look for signs in what was measured, see `measure_probes`; nothing shows none."""
    if "no_gradient" in probes:
        yield _no_gradient(probes)
    if "zero_gradient" not in probes:
        return
    yield from _no_direction(probes)
    yield from _hidden_parts(probes)
    yield from _wrong_direction(probes)
    yield from _wrong_size(probes)


def _no_gradient(probes: Mapping[str, Any]) -> Alarm:
    """Attacks that need a gradient could not run."""
    there = probes.get("black_box", True)
    rest = (
        "only those that ask for outputs bound its robustness: an attacker who mends the model has "
        "more"
        if there
        else "none that asks for outputs only is there to bound its robustness: add square"
    )
    return Alarm(
        "no gradient",
        "no gradient: the model gives none with respect to its clips (a detach, no_grad or numpy "
        f"inside); attacks that follow one cannot run, and {rest}",
        {"clips": probes["clips"], "black_box": there},
    )


def _no_direction(probes: Mapping[str, Any]) -> Iterator[Alarm]:
    """Following the gradient leads nowhere."""
    clips = probes["clips"]
    if (zero := probes["zero_gradient"]) > 0.05 * clips:
        yield Alarm(
            "zero gradients",
            f"the gradient of the loss is zero for {zero} of {clips} clips: attacks that follow it "
            "cannot move; try square, or a smooth stand-in for the layer that stops it",
            _some(probes, "zero_gradient", "clips", "eps"),
        )
    if (noise := probes["noise_not_weaker"]) > 0.25 * clips:
        yield Alarm(
            "random noise as good as gradients",
            f"at eps {probes['eps']:.3g}, the best of {probes['draws']} random corners raises the "
            f"loss as much as PGD for {noise} of {clips} clips: gradients say nothing about the "
            "loss",
            _some(probes, "noise_not_weaker", "draws", "clips", "eps"),
        )
    if (better := probes["one_step_better"]) * 2 > clips:
        yield Alarm(
            "one step better than many",
            f"at eps {probes['eps']:.3g}, one step raises the loss more than {probes['steps']} for "
            f"{better} of {clips} clips: the loss is too rough to follow, or the step size is off",
            _some(probes, "one_step_better", "clips", "eps"),
        )
    if (remain := probes["remain_correct_at_64"]) > max(1, 0.05 * clips):
        yield Alarm(
            "a huge budget fools too few",
            f"PGD at eps 64 leaves {remain} of {clips} clips correct, where hardly any should be: "
            "the gradients do not lead to what fools the model",
            _some(probes, "remain_correct_at_64", "clips"),
        )


def _hidden_parts(probes: Mapping[str, Any]) -> Iterator[Alarm]:
    """Frames or channels have no gradient, and still decide."""
    for kind in ("frames", "channels"):
        counts = probes[f"hidden_{kind}"]
        places = [k for k, count in enumerate(counts) if count * 2 > probes["clips"]]
        if places:
            yield Alarm(
                f"zero gradients in {kind}",
                f"the gradient is zero in {_spelled(kind, places, len(counts))}, though the answer "
                "changes with them: attacks leave them alone; look for a detach, or a mask on part "
                "of the clip, and trust attacks without gradients (square) only",
                {kind: places, "clips": probes["clips"]},
            )


def _wrong_direction(probes: Mapping[str, Any]) -> Iterator[Alarm]:
    """Finite differences say something else than the gradient, as a whole or in a part."""
    agreement = probes["agreement"]
    if agreement is None:
        return
    turned: dict[str, list[int]] = {}
    for kind in ("frame", "channel"):
        scales, errors = probes[f"{kind}_scales"], probes[f"{kind}_errors"]
        turned[f"{kind}s"] = [
            k
            for k, (scale, error) in enumerate(zip(scales, errors, strict=True))
            if scale is not None and scale + _SURE * error < 0
        ]
    if agreement >= AGREES and not any(turned.values()):
        return
    measured = {**_some(probes, "agreement", "conclusive", "clips"), **turned}
    where = [
        _spelled(kind, places, len(probes[f"{kind[:-1]}_scales"]))
        for kind, places in turned.items()
        if places and len(places) < len(probes[f"{kind[:-1]}_scales"])
    ]
    if agreement <= -AGREES:
        what = "points downhill: its sign is flipped"
    elif where:
        what = f"points downhill in {' and in '.join(where)}"
    else:
        what = "is wrong, or random"
    yield Alarm(
        "gradients disagree with finite differences",
        f"the gradient {what} (it predicts finite differences with a correlation of "
        f"{agreement:.2f}, honest ones with over {AGREES}): attacks that follow it are misled; "
        "mend it, or trust attacks without gradients (square) only",
        measured,
    )


def _wrong_size(probes: Mapping[str, Any]) -> Iterator[Alarm]:
    """The gradient points the right way and has another length."""
    agreement, scale = probes["agreement"], probes["scale"]
    if agreement is None or agreement < AGREES:
        return
    if not 1 / _SCALE <= scale <= _SCALE:
        yield Alarm(
            "gradients are scaled",
            f"finite differences are {scale:.3g} times what the gradient says: attacks that ask "
            "for its size (fab-t, flickering) are misled; look for a scaled gradient",
            _some(probes, "scale", "conclusive", "clips"),
        )
    elif probes["vanishing"] > 0.25 * probes["clips"]:
        yield Alarm(
            "gradients vanish",
            f"for {probes['vanishing']} of {probes['clips']} clips finite differences are over "
            f"{_SCALE:g} times what the gradient says: outputs saturate; take what comes before "
            "the sigmoid, tanh or softmax",
            _some(probes, "vanishing", "conclusive", "clips"),
        )


def _some(probes: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: probes[name] for name in names}


def _spelled(kind: str, places: Sequence[int], total: int) -> str:
    """Such as "frames 0-2, 5 of 8" or "channels red, blue"."""
    if kind == "channels" and total in _CHANNELS:
        return f"channels {', '.join(_CHANNELS[total][k] for k in places)}"
    starts = [k for k in places if k - 1 not in places]
    ends = [k for k in places if k + 1 not in places]
    runs = [f"{a}" if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True)]
    return f"{kind} {', '.join(runs)} (of 0-{total - 1})"
