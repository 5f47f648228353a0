"""What results are of, as far as the model and the clips tell."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from advvid.data.clip_dataset import ClipSubset
from advvid.data.video.bad_video import BadVideo
from advvid.evaluation.condition import Setup

OWN_LABELS = "the model's own predictions, so that accuracy without attack is 100%"


def provenance(setup: Setup) -> dict[str, Any]:
    """Give model, weights, data, split and seed, where they are known, and the model's warnings.

    Labels are told of where they are the model's own, which makes any model right without attack.
    """
    model, dataset = setup.classifier.inner, getattr(setup.source, "dataset", None)
    while isinstance(dataset, ClipSubset):
        dataset = dataset.base
    options = getattr(dataset, "options", dataset)
    known = {
        "model": _text(model, "spec") or type(model).__name__,
        # Where a file lies does not belong into a table; the command tells what was asked for.
        "weights": Path(_text(model, "weights") or "").name,
        "data": _text(dataset, "name"),
        "split": _text(options, "split"),
        "labels": OWN_LABELS if _predicted(setup.source) else "",
    }
    if _text(setup.source, "labels") == "predicted":
        # What is right by definition must not be read as accuracy.
        known["labels"] = "the model's own predictions, so that all are right without attack"
    warnings = getattr(model, "warnings", ())
    return {
        **{name: text for name, text in known.items() if text},
        "seed": setup.seed,
        "warnings": [str(one) for one in warnings] if isinstance(warnings, list | tuple) else [],
    }


def bad_videos(found: Sequence[BadVideo]) -> dict[str, str]:
    """Say how many videos are not among the clips, or not as they were recorded."""
    used = sum(one.used for one in found)
    counts = {"left out": len(found) - used, "used with damage concealed": used}
    told = ", ".join(f"{count} {how}" for how, count in counts.items() if count)
    return {"bad videos": f"{told}, listed in results.json"} if told else {}


def _predicted(source: Any) -> bool:
    """Tell whether a source has no labels, or leaves those that it has aside."""
    labels = getattr(source, "labels", "")
    return labels is None or (isinstance(labels, str) and labels == "predicted")


def _text(owner: Any, name: str) -> str | None:
    """Give an attribute that is a text; modules of others may call anything so."""
    value = getattr(owner, name, None)
    return value if isinstance(value, str) else None
