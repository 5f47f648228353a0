"""What results are of, as far as the model and the clips tell."""

from pathlib import Path
from typing import Any

from advvid.data.clip_dataset import ClipSubset
from advvid.evaluation.condition import Setup


def provenance(setup: Setup) -> dict[str, Any]:
    """Give model, weights, data, split and seed, where they are known, and the model's warnings."""
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


def _text(owner: Any, name: str) -> str | None:
    """Give an attribute that is a text; modules of others may call anything so."""
    value = getattr(owner, name, None)
    return value if isinstance(value, str) else None
