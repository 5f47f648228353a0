"""The functions and classes of `advvid.attacks`."""

from typing import Any

import torch

import advvid
from advvid import attacks
from tests.clip_models import LinearClipModel, random_clips
from tests.doors.doors import Door

_MODEL = LinearClipModel(random_clips(1)[0].shape[1:], classes=3).eval()
_CLASSIFIER = advvid.VideoClassifier(_MODEL, device="cpu")
_LABELS = torch.tensor([0, 1, 2, 0])


def _batch(**more: Any) -> dict[str, Any]:
    return {"model": _MODEL, "clips": random_clips(4)[0], "labels": _LABELS.clone(), **more}


_BATCH = {"model": "model", "clips": "clips", "labels": "labels"}
_COMMON = {**_BATCH, "eps": "eps", "steps": "count", "mask": "mask"}
# A function sees the number of classes only where it asks the model.
_ONE_BUDGET_EACH = {"eps/list"}


def _function(name: str, kinds: dict[str, str], legal: tuple[str, ...] = (), **good: Any) -> Door:
    return Door(
        name, getattr(attacks, name), lambda: _batch(**good), {**_BATCH, **kinds}, frozenset(legal)
    )


def _made(name: str, kinds: dict[str, str], legal: tuple[str, ...] = (), **good: Any) -> Door:
    return Door(
        name,
        getattr(attacks, name),
        lambda: {"estimator": _CLASSIFIER, **good},
        {"estimator": "thing", **kinds},
        frozenset(legal),
        {"estimator": "Classifier", "eps_step": "step size"},
    )


_EVERY = {
    "eps": "eps",
    "targeted": "flag",
    "batch_size": "count",
    "seed": "seed",
    "verbose": "flag",
}

ATTACK_DOORS = [
    _function(
        "linf_pgd",
        {
            "eps": "eps",
            "step_size": "positive",
            "steps": "count",
            "random_start": "flag",
            "restarts": "count",
            "targeted": "flag",
            "mask": "mask",
            "loss": "word",
            "early_stop": "flag",
            "seed": "seed",
        },
        eps=0.03,
        steps=1,
    ),
    _function(
        "masked_pgd",
        {"ratio": "share", "eps": "eps", "corner": "word", "motion": "word"},
        eps=0.03,
        steps=1,
    ),
    _function(
        "frame_border",
        {"ratio": "share", "thickness": "count"},
        eps=0.03,
        steps=1,
        ratio=0.5,
    ),
    _function(
        "frame_saliency",
        {"eps": "eps", "method": "word", "frames": "count", "steps": "count", "loss": "word"},
        eps=0.03,
        steps=1,
    ),
    _function(
        "sparse_attack",
        {"eps": "eps", "regularization": "at least 0", "steps": "count", "order": "word"},
        eps=0.03,
        steps=1,
    ),
    _function(
        "flickering",
        {"eps": "eps", "step_size": "positive", "steps": "count", "optimizer": "word"},
        eps=0.03,
        steps=1,
    ),
    _function(
        "apgd",
        {
            "eps": "eps",
            "norm": "word",
            "steps": "count",
            "restarts": "count",
            "eot": "count",
            "frames": "count",
            "loss": "word",
            "seed": "seed",
        },
        eps=0.03,
        steps=1,
    ),
    _function(
        "apgd_targeted", {"eps": "eps", "steps": "count", "targets": "count"}, eps=0.03, steps=1
    ),
    _function(
        "fab_targeted", {"eps": "eps", "steps": "count", "targets": "count"}, eps=0.03, steps=1
    ),
    _function("ddn", {"eps": "positive", "steps": "count"}, eps=0.5, steps=1),
    _function(
        "square_attack",
        {"eps": "eps", "queries": "count", "share": "share", "block": "word", "seed": "seed"},
        eps=0.03,
        queries=2,
    ),
    _function(
        "auto_attack",
        {"eps": "eps", "steps": "count", "queries": "count"},
        eps=0.03,
        steps=1,
        queries=2,
    ),
    _function(
        "random_noise",
        {"eps": "eps", "corners": "flag", "draws": "count"},
        # The model is asked only to choose among several draws.
        legal=(
            "model/features",
            "model/no batch",
            "model/no tensor",
            "model/module class",
            "labels/class too large",
        ),
        eps=0.03,
    ),
    _made("LinfPGD", {**_EVERY, "eps_step": "positive", "max_iter": "count", "loss": "word"}),
    _made(
        "MaskedPGD",
        {**_EVERY, "ratio": "share", "shared": "flag", "corner": "word", "motion": "word"},
    ),
    _made("FrameBorder", {"ratio": "share", "thickness": "count"}),
    _made("FrameSaliency", {"method": "word", "frames": "count"}),
    _made("SparseAttack", {"regularization": "at least 0", "order": "word"}),
    _made("Flickering", {"eps_step": "positive", "optimizer": "word", "margin": "positive"}),
    _made("APGD", {"max_iter": "count", "num_random_init": "count", "norm": "word"}),
    _made("APGDTargeted", {"targets": "count", "eot": "count"}),
    _made("FABTargeted", {"targets": "count"}),
    _made("DDN", {"max_iter": "count"}),
    _made("Square", {"queries": "count", "share": "share", "block": "word"}),
    _made("AutoAttack", {"eps": "eps", "queries": "count", "norm": "word", "eot": "count"}),
    _made("RandomNoise", {"draws": "count"}),
    Door(
        "LinfPGD.generate",
        attacks.LinfPGD(_CLASSIFIER, max_iter=1).generate,
        lambda: {"x": random_clips(4)[0], "y": _LABELS},
        {"x": "clips", "y": "labels", "mask": "mask"},
        frozenset({"y/list"}),
        words={"x": "clips", "y": "labels"},
    ),
    Door("find_attack", attacks.find_attack, lambda: {"name": "pgd"}, {"name": "word"}),
    Door("parse_attack", attacks.parse_attack, lambda: {"text": "pgd"}, {"text": "attack"}),
    Door("attack_text", attacks.attack_text, dict, {"attack": "thing"}),
    Door(
        "StepSizeLaw",
        attacks.StepSizeLaw,
        lambda: {"slope": 0.2, "intercept": 0.2},
        {"slope": "at least 0", "intercept": "at least 0"},
        frozenset({"slope/negative", "intercept/negative"}),
    ),
    Door("StepSizeLaw.load", attacks.StepSizeLaw.load, dict, {"path": "path"}),
    Door(
        "TorchattacksAttack",
        attacks.TorchattacksAttack,
        lambda: {"estimator": _CLASSIFIER, "name": "PGD", "eps": 0.03},
        {"estimator": "thing", "name": "word", "eps": "eps"},
        words={"estimator": "Classifier"},
    ),
]
