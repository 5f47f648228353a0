"""A picture of clips before and after the condition that fools the model most."""

from pathlib import Path

import numpy as np
import torch

from advvid.data.loader import ClipBatch
from advvid.evaluation.condition_result import ConditionResult, Flags
from advvid.evaluation.plan import EvaluationPlan
from advvid.evaluation.result import Results
from advvid.evaluation.views.about import subject
from advvid.figures.animation import comparison_picture
from advvid.random_streams import clip_seeds


def picture(
    path: Path, plan: EvaluationPlan, results: Results, count: int, classes: tuple[str, ...] | None
) -> None:
    """Apply a condition to a few clips again, and draw them before and after.

    Nothing is drawn where no condition changes pixels of a clip. Of the clips, at most `count`,
    those that are fooled come first; `classes` are names as the model counts them.
    """
    pairs = zip(plan.conditions, results.results, strict=True)
    able = [
        pair for pair in pairs if pair[0].views == 1 and pair[1].strength.axis.clean is not None
    ]
    # What an attacker would choose; controls only where there is nothing else.
    usual = [pair for pair in able if pair[1].facts.get("access", "white box") == "white box"]
    if not (able and results.clean.any()):
        return
    condition, result = min(
        usual or able, key=lambda pair: (_missed(pair[1]).sum(), pair[1].strength.distance)
    )
    fooled_first = np.argsort(_missed(result), kind="stable")
    shown = fooled_first[results.clean[fooled_first]][:count]
    classifier, source, _, seed = plan.setup
    (read,) = source.batches(results.positions[shown].tolist(), count)
    labels = torch.from_numpy(results.labels[shown]).to(read.clips.device)
    targets = results.targets if condition.targeted else None
    aims = labels if targets is None else torch.from_numpy(targets[shown]).to(labels.device)
    batch = ClipBatch(read.clips, aims, read.indices, [])
    with classifier.averaging(results.eot):
        outcome = condition.apply(batch, clip_seeds(seed, read.indices))
        changed = condition.check(batch, outcome)
        predicted = classifier.logits(changed).argmax(dim=1).tolist()
    names = classes or range(classifier.nb_classes)
    answers = zip(labels.tolist(), predicted, strict=True)
    titles = [f"{names[label]} -> {names[after]}" for label, after in answers]
    origins = [results.origins[i].frames for i in shown] if results.origins else [()]
    frames = origins if all(origins) else None
    caption = " | ".join((condition.caption, subject(results)))
    comparison_picture(path, batch.clips, changed, titles=titles, caption=caption, frames=frames)


def _missed(result: ConditionResult) -> Flags:
    """Give the clips (N,) that a condition failed on."""
    return result.correct if result.reached is None else ~result.reached
