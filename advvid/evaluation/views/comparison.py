"""A picture of clips before and after the condition that fools the model most."""

from pathlib import Path

import numpy as np
import torch

from advvid.data.loader import ClipBatch
from advvid.evaluation.plan import EvaluationPlan
from advvid.evaluation.result import Results
from advvid.figures.animation import comparison_picture
from advvid.random_streams import clip_seeds


def picture(
    path: Path,
    plan: EvaluationPlan,
    results: Results,
    count: int,
    classes: tuple[str, ...] | None,
) -> None:
    """Apply a condition to a few clips again, and draw them before and after.

    Args:
        path: of the picture. Nothing is drawn where no condition changes pixels of a clip.
        plan: of the evaluation.
        results: of the evaluation.
        count: clips to draw; those that are fooled come first.
        classes: names as the model counts them, or None.
    """
    pairs = zip(plan.conditions, results.results, strict=True)
    able = [
        pair for pair in pairs if pair[0].views == 1 and pair[1].strength.axis.clean is not None
    ]
    # What an attacker would choose; controls only where there is nothing else.
    usual = [pair for pair in able if pair[1].facts.get("access", "white box") == "white box"]
    if not able:
        return
    condition, result = min(
        usual or able, key=lambda pair: (int(pair[1].correct.sum()), pair[1].strength.distance)
    )
    fooled = np.flatnonzero(results.clean & ~result.correct)
    shown = [*fooled, *np.flatnonzero(results.clean & result.correct)][:count]
    if not shown:
        return
    classifier, source, _, seed = plan.setup
    batches = list(source.batches(results.positions[shown].tolist(), count))
    clips, positions = (
        torch.cat([getattr(batch, name) for batch in batches]) for name in ("clips", "indices")
    )
    labels = torch.from_numpy(results.labels[shown]).to(clips.device)
    batch = ClipBatch(clips, labels, positions, [])
    with classifier.averaging(results.eot):
        outcome = condition.apply(batch, clip_seeds(seed, positions))
        changed = condition.check(batch, outcome)
        predicted = classifier.logits(changed).argmax(dim=1).tolist()

    names = classes or range(classifier.nb_classes)
    answers = zip(labels.tolist(), predicted, strict=True)
    titles = [f"{names[label]} -> {names[after]}" for label, after in answers]
    comparison_picture(path, clips, changed, titles=titles, caption=condition.caption)
