"""What is public beside attacks: evaluation, sweeps, training, defenses, data, models."""

from typing import Any

import torch

import advvid
from advvid import data, defenses, evaluation, models, training
from advvid.data.memory_dataset import MemoryDataset
from tests.clip_models import LinearClipModel, random_clips
from tests.doors.doors import Door

_SHAPE = tuple(random_clips(1)[0].shape[1:])
_MODEL = LinearClipModel(_SHAPE, classes=3).eval()
_CLASSIFIER = advvid.VideoClassifier(_MODEL, device="cpu")
_LABELS = torch.tensor([0, 1, 2, 0])


def _dataset() -> MemoryDataset:
    return MemoryDataset(random_clips(4)[0], _LABELS, ("a", "b", "c"))


def _clips() -> torch.Tensor:
    return random_clips(4)[0]


def _subject(**more: Any) -> dict[str, Any]:
    return {"classifier": _CLASSIFIER, "clips": _clips(), "labels": _LABELS.clone(), **more}


_SUBJECT = {"classifier": "classifier", "clips": "clips", "labels": "labels"}
_TRAINING = {
    "lr": "positive",
    "epochs": "count",
    "batch_size": "count",
    "optimizer": "word",
    "schedule": "word",
    "weight_decay": "at least 0",
    "milestones": "thing",
    "warmup_epochs": "at least 0",
    "label_smoothing": "share",
    "grad_clip": "positive",
    "batch_norm": "word",
    "precision": "word",
    "compile": "flag",
    "ema": "share",
    "patience": "count",
    "seed": "seed",
    "workers": "count",
}

OTHER_DOORS = [
    Door(
        "evaluate",
        advvid.evaluate,
        lambda: _subject(attacks="random-noise", eps=0.03, alarms=False),
        {
            **_SUBJECT,
            "target": "target",
            "attacks": "attack",
            "eps": "eps",
            "conditions": "attack",
            "batch_size": "count",
            "seed": "seed",
            "eot": "count",
            "h264": "count",
            "law": "thing",
            "alarms": "flag",
            "parts": "path",
            "progress": "flag",
        },
        # Accuracy at 0 is always there; a list of attacks or of budgets is what it takes.
        # A list of whole numbers is as good as an array of them.
        frozenset({"eps/zero", "h264/zero", "labels/list"}),
        {"classifier": "model", "attacks": "attack", "conditions": "condition"},
    ),
    Door(
        "sweep_step_size",
        advvid.sweep_step_size,
        lambda: _subject(eps=0.03, step_ratios=[0.5], max_steps=1),
        {
            **_SUBJECT,
            "eps": "eps",
            "max_steps": "count",
            "step_ratios": "positive",
            "loss": "word",
            "random_start": "flag",
            "seed": "seed",
            "memory": "count",
            "part_file": "path",
            "progress": "flag",
        },
        legal=frozenset({"labels/list"}),
        words={"classifier": "model", "step_ratios": "step"},
    ),
    Door(
        "train",
        advvid.train,
        lambda: {
            "model": LinearClipModel(_SHAPE, classes=3),
            "train_data": _dataset(),
            "settings": training.TrainSettings(epochs=1),
            "device": "cpu",
        },
        {
            "model": "classifier",
            "train_data": "thing",
            "val_data": "thing",
            "settings": "thing",
            "out": "path",
            "resume": "flag",
            "step": "thing",
            "task": "thing",
            "robust": "thing",
            "optimizer": "thing",
            "device": "word",
            "devices": "count",
            "nodes": "count",
            "progress": "flag",
            "config": "thing",
        },
        frozenset({"config/dict"}),
    ),
    Door("TrainSettings", training.TrainSettings, dict, _TRAINING, frozenset({"workers/zero"})),
    Door(
        "VideoClassifier",
        advvid.VideoClassifier,
        lambda: {"model": _MODEL, "nb_classes": 3, "device": "cpu"},
        {
            "model": "classifier",
            "loss": "thing",
            "input_shape": "thing",
            "nb_classes": "count",
            "optimizer": "thing",
            "layout": "word",
            "mean": "at least 0",
            "std": "positive",
            "clip_values": "thing",
            "device": "word",
            "precision": "word",
        },
        # What the model gives is looked at when it is asked.
        frozenset({"mean/negative", "model/features"}),
    ),
    *(
        Door(
            f"VideoClassifier.{name}",
            getattr(_CLASSIFIER, name),
            lambda: {"x": _clips(), "y": _LABELS.clone()},
            {"x": "clips", "y": "labels"},
            frozenset({"y/list"}),
            words={"x": "clips", "y": "labels"},
        )
        for name in ("loss_gradient", "compute_loss")
    ),
    Door(
        "VideoClassifier.predict",
        _CLASSIFIER.predict,
        lambda: {"x": _clips()},
        {"x": "clips", "batch_size": "count", "training_mode": "flag"},
        words={"x": "clips"},
    ),
    Door(
        "load_model",
        advvid.load_model,
        dict,
        {
            "spec": "word",
            "num_classes": "count",
            "weights": "path",
            "frames": "count",
            "size": "count",
            "seed": "seed",
        },
    ),
    Door(
        "load_dataset",
        advvid.load_dataset,
        lambda: {"spec": "motions:8"},
        {
            "spec": "word",
            "split": "word",
            "fold": "count",
            "frames": "count",
            "size": "count",
            "sampling": "word",
            "stride": "count",
            "clips_per_video": "count",
            "short_side": "count",
            "flip": "flag",
            "augment": "attack",
            "decoder": "word",
            "on_bad_video": "word",
            "seed": "seed",
        },
        words={"spec": "data set"},
    ),
    Door(
        "ClipDataset.sample",
        _dataset().sample,
        lambda: {"n": 2},
        {"n": "count", "seed": "seed"},
    ),
    Door("DatasetOptions", data.DatasetOptions, dict, {"frames": "count", "split": "word"}),
    Door(
        "clip_loader",
        data.clip_loader,
        lambda: {"dataset": _dataset(), "batch_size": 2},
        {"dataset": "thing", "batch_size": "count", "workers": "count"},
        frozenset({"workers/zero"}),
        {"batch_size": "batch"},
    ),
    Door(
        "MemoryClips",
        data.MemoryClips,
        lambda: {"clips": _clips(), "labels": _LABELS},
        {"clips": "clips", "labels": "labels"},
        # The number of classes is not known here.
        frozenset({"labels/class too large", "labels/negative"}),
    ),
    Door(
        "DatasetClips",
        data.DatasetClips,
        lambda: {"dataset": _dataset()},
        {"dataset": "thing", "count": "count", "labels": "word", "workers": "count"},
        frozenset({"workers/zero"}),
    ),
    Door("read_frames", data.read_frames, lambda: {"indices": [0]}, {"path": "path"}),
    Door("video_info", data.video_info, dict, {"path": "path"}),
    Door("to_unit", data.to_unit, dict, {"clips": "thing"}),
    Door("Scoring", evaluation.Scoring, dict, {"eot": "count", "law": "thing", "alarms": "flag"}),
    Door("Minimal", evaluation.Minimal, dict, {"eps": "positive", "halvings": "count"}),
    Door("Sampling", evaluation.Sampling, dict, {"kind": "word", "clips": "count"}),
    Door(
        "RobustCheck",
        training.RobustCheck,
        lambda: {"attack": lambda *_: None, "name": "n"},
        {"attack": "thing", "clips": "count", "seed": "seed", "keep_best": "flag"},
    ),
    Door("load_checkpoint", training.load_checkpoint, dict, {"path": "path"}),
    Door("learning_curve", training.learning_curve, dict, {"history": "thing"}),
    Door("load_weights", models.load_weights, lambda: {"model": _MODEL}, {"path": "path"}),
    Door(
        "VideoModel",
        models.VideoModel,
        lambda: {"backbone": _MODEL, "spec": "mine"},
        {
            "backbone": "thing",
            "num_classes": "count",
            "input_shape": "thing",
            "mean": "thing",
            "std": "thing",
            "call": "thing",
        },
        frozenset({"mean/number", "std/number", "mean/list", "std/list"}),
    ),
    Door(
        "temporal_shift",
        models.temporal_shift,
        lambda: {"x": torch.rand(8, 4, 5, 5), "frames": 4},
        {"x": "thing", "frames": "count"},
    ),
    Door(
        "build_defense",
        defenses.build_defense,
        lambda: {"defense": "at", "data": _dataset()},
        {"defense": "attack", "data": "thing", "seed": "seed"},
    ),
    Door("read_defense", defenses.read_defense, dict, {"text": "attack"}),
    *(
        Door(kind.__name__, kind, dict, {"eps": "eps"}, frozenset({"eps/zero", "eps/tuple"}))
        for kind in (
            defenses.AdversarialTraining,
            defenses.TradesTraining,
            defenses.FreeTraining,
            defenses.FastTraining,
            defenses.CurriculumTraining,
        )
    ),
    Door(
        "TrainingAttack", defenses.TrainingAttack, dict, {"max_iter": "count", "attack": "attack"}
    ),
    Door(
        "pgd_check",
        defenses.pgd_check,
        lambda: {"eps": 0.03},
        {"eps": "eps", "steps": "count", "clips": "count", "law": "thing", "seed": "seed"},
    ),
    Door("hold_out", defenses.hold_out, lambda: {"data": _dataset()}, {"data": "thing"}),
    Door(
        "curriculum",
        defenses.curriculum,
        lambda: {"eps": 0.03},
        {"eps": "eps", "direction": "word"},
    ),
    Door(
        "read_budget",
        defenses.read_budget,
        dict,
        {"text": "word"},
        words={"text": "neither a number"},
    ),
    Door(
        "AdversarialTrainer",
        defenses.AdversarialTrainer,
        lambda: {"classifier": _CLASSIFIER, "eps": 0.03},
        {"classifier": "thing", "eps": "eps"},
    ),
]
