import json
from pathlib import Path

import torch
from torch import Tensor

import advvid
from advvid.evaluation import DatasetClips, Evaluation, evaluate, evaluate_into, plan_evaluation
from advvid.evaluation.condition import Setup
from advvid.evaluation.views.about import subject
from tests.clip_models import CLASSES, LinearClipModel, random_clips


def test_results_say_what_they_are_of(tmp_path: Path) -> None:
    data = advvid.load_dataset("motions", split="test")
    classifier = advvid.VideoClassifier(advvid.load_model("motions-r3d"))
    setup = Setup(classifier, DatasetClips(data, 2, seed=3), seed=3)
    plan = plan_evaluation(setup, attacks="random-noise", eps=8 / 255)
    about = {"command": "advvid evaluate --seed 3"}
    found: Evaluation = evaluate_into(tmp_path / "run", plan, pictures=0, about=about)
    written = json.loads((tmp_path / "run" / "results.json").read_text())["about"]
    assert written == found.about
    assert written == {
        "model": "motions-r3d",
        "weights": "motions_r3d.safetensors",
        "data": "motions",
        "split": "test",
        "seed": 3,
        "warnings": [],
        "command": "advvid evaluate --seed 3",
    }
    # Labels that the model has made itself are told wherever its accuracy goes.
    own = Setup(classifier, DatasetClips(data, 2, labels="predicted"))
    predicted: Evaluation = evaluate_into(
        tmp_path / "own", plan_evaluation(own, attacks=[]), pictures=0
    )
    assert "labels | the model's own predictions" in (tmp_path / "own" / "table.md").read_text()
    assert "labels predicted by itself" in subject(predicted)
    # Nothing is written that the caller did not name, such as where the package lies.
    assert str(Path(advvid.__file__).parent) not in json.dumps(written)


def test_a_module_of_ones_own_is_named_by_its_class_and_warns() -> None:
    class Untrained(LinearClipModel):
        warnings = ("random weights: nothing was learned",)
        weights = Tensor()

        def __init__(self) -> None:
            super().__init__(classes=CLASSES)

    with torch.no_grad():
        found = evaluate(advvid.VideoClassifier(Untrained()), *random_clips(2), attacks=[])
    assert found.about == {
        "model": "Untrained",
        "seed": 0,
        "warnings": ["random weights: nothing was learned"],
    }
    assert found.to_dict()["about"] == found.about
