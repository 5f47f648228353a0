"""Measurements of a model that show whether its gradients can be trusted."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from advvid.attacks.core.ascent import NoGradientError, input_gradient
from advvid.attacks.core.linf_box import linf_box
from advvid.attacks.core.losses import log_odds
from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.pgd import linf_pgd
from advvid.checks import check_logits
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation.alarms.finite_differences import (
    AGREES,
    STEP,
    Differences,
    compare_differences,
    finer_step,
    measure_differences,
)
from advvid.evaluation.condition import Setup
from advvid.inference.frozen import Model, frozen
from advvid.inference.micro_batch import MicroBatcher
from advvid.random_streams import clip_seeds, uniform

STEPS = 20
"""Steps of the PGD that noise and a single step are compared with."""

DRAWS = 8
"""Random corners that PGD is compared with the best of.

One alone lowers the loss as often as it raises it. The best of a few beats an attack that does
nothing, and is beaten by one that follows honest gradients.
"""

_PROBED_AT_MOST = 32
_HUGE = 64 / 255
_USUAL = 8 / 255
_ALONE_AT_MOST = 8
"""Clips of a batch that are also classified one by one."""
_PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}


def measure_probes(setup: Setup, *, eps: Sequence[float], law: StepSizeLaw) -> dict[str, Any]:
    """Measure what the alarms look at on the first clips of a source that are classified correctly.

    Args:
        setup: of the evaluation.
        eps: budgets of the evaluation; noise and a single step are tried at the one nearest to
            8/255.
        law: gives the step size of PGD.

    Returns:
        Counts of clips: "zero_gradient", "noise_not_weaker" (the best of `DRAWS` random corners of
        the box raises the loss as much as PGD), "one_step_better" (than PGD),
        "remain_correct_at_64" (under PGD at eps 64/255), "probabilities" (outputs in [0, 1] whose
        sum is 1). The largest differences of logits, relative to the largest logit: "differs"
        between identical calls, "alone_differs" between a clip by itself and the clip in its batch.
        "clips", "steps", "draws" and "eps" (in 1/255). What `compare_differences` tells of the
        gradients, and "step" (in 1/255), that of the differences: a level, or the `finer_step`
        where that agrees better with a gradient that disagrees at a level. Only "clips", "eps" and
        "no_gradient" (clips, all of them) when the model gives no gradient. Nothing when no clip is
        classified correctly.
    """
    classifier, source, batch_size, seed = setup
    found: list[tuple[Tensor, Tensor]] = []
    for batch in source.batches(range(min(_PROBED_AT_MOST, len(source))), batch_size):
        predicted = classifier.logits(batch.clips).argmax(dim=1).to(batch.clips.device)
        labels = predicted if batch.labels is None else batch.labels.to(predicted.device)
        correct = predicted == labels
        found.append((batch.clips[correct], labels[correct]))
    if not any(len(labels) for _, labels in found):
        return {}
    clips, labels = (torch.cat(column) for column in zip(*found, strict=True))
    budget = min(eps, key=lambda e: abs(e - _USUAL), default=_USUAL)
    model = classifier.differentiable()
    resolution = torch.finfo(_PRECISIONS[classifier.precision]).eps

    def run(measure: Callable[..., tuple[Tensor, ...]], **settings: Any) -> tuple[Tensor, ...]:
        def on_batch(*batch: Tensor) -> tuple[Tensor, ...]:
            with frozen(model):
                values = measure(model, *(one.to(classifier.device) for one in batch), **settings)
            return tuple(value.cpu() for value in values)

        return MicroBatcher(batch_size).run(on_batch, clips, labels, clip_seeds(seed, len(clips)))

    def differences(step: float) -> dict[str, Any]:
        found = run(measure_differences, resolution=resolution, step=step)
        return {"step": step * 255, **compare_differences(Differences(*found), step)}

    common = {"clips": len(clips), "eps": budget * 255}
    try:
        compared = differences(STEP)
        values = run(_measure, eps=budget, law=law)
    except NoGradientError:
        return {**common, "no_gradient": len(clips)}
    if (agreement := compared["agreement"]) is not None and agreement < AGREES:
        # A wrong gradient is wrong at any step; where the loss is rough, a shorter one tells more.
        finer = differences(finer_step(clips.shape[1:]))
        if finer["agreement"] is not None and finer["agreement"] > agreement:
            compared = finer
    zero, noise, single, many, huge, differs, alone = values
    return {
        **common,
        "steps": STEPS,
        "draws": DRAWS,
        "zero_gradient": int(zero.sum()),
        "noise_not_weaker": int((noise >= many).sum()),
        "one_step_better": int((single > many).sum()),
        "remain_correct_at_64": int(huge.sum()),
        "differs": float(differs.max()),
        "alone_differs": float(alone.max()),
        "probabilities": _probabilities(classifier, clips),
        "resolution": resolution,
        **compared,
    }


def _measure(
    model: Model, clips: Tensor, labels: Tensor, seeds: Tensor, eps: float, law: StepSizeLaw
) -> tuple[Tensor, ...]:
    """Measure one batch, (B,) each."""
    gradient, _, first = input_gradient(model, clips, labels, log_odds)
    with torch.no_grad():
        second = model(clips)
        few = torch.cat([model(clip[None]) for clip in clips[:_ALONE_AT_MOST]])
    scale = first.abs().amax().clamp_min(1e-12)
    differs = (first - second).abs().amax(dim=1) / scale
    alone = torch.zeros_like(differs)
    alone[: len(few)] = (few - second[: len(few)]).abs().amax(dim=1) / scale
    usable = torch.isfinite(gradient) & (gradient != 0)
    zero = ~usable.flatten(1).any(dim=1)
    single = linf_pgd(model, clips, labels, eps=eps, step_size=eps, steps=1)
    many = linf_pgd(model, clips, labels, eps=eps, step_size=law, steps=STEPS)
    huge = linf_pgd(model, clips, labels, eps=_HUGE, step_size=law, steps=STEPS)
    with torch.no_grad():
        noise = _best_corner(model, clips, labels, seeds, eps)
        answers = [model(x) for x in (single, many, huge)]
        check_logits(torch.cat(answers))
        losses = [log_odds(one, labels) for one in answers[:2]]
        remains = answers[2].argmax(dim=1) == labels
    return zero, noise, *losses, remains, differs, alone


def _probabilities(classifier: VideoClassifier, clips: Tensor) -> int:
    """Count the clips whose outputs look like probabilities.

    As AutoAttack looks for it (Croce and Hein 2020): its losses take logits. The mean of several
    passes is one of log-probabilities, whatever the model gives.
    """
    with classifier.averaging(1):
        outputs = classifier.logits(clips)
    return int(((outputs >= 0).all(dim=1) & ((outputs.sum(dim=1) - 1).abs() < 1e-4)).sum())


def _best_corner(model: Model, clips: Tensor, labels: Tensor, seeds: Tensor, eps: float) -> Tensor:
    """Give the largest loss (B,) at any of a few random corners of the box."""
    box = linf_box(clips, eps)
    best = torch.full((len(clips),), -torch.inf, device=clips.device)
    for draw in range(DRAWS):
        corner = uniform(seeds, clips.shape[1:], stream="probe corner", draw=draw).round_()
        loss = log_odds(model(box.at(corner)), labels)
        best = torch.maximum(best, loss)
    return best
