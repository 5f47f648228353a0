"""Accuracy without any condition."""

import json
from typing import Any

import pytest

import advvid
from advvid.evaluation import evaluate
from tests.clip_models import CLASSES, LinearClipModel, random_clips


@pytest.mark.parametrize(
    "arguments", [{"attacks": []}, {"attacks": "none"}, {"attacks": ["none"]}, {"eps": [0]}]
)
def test_clean_accuracy_alone_costs_one_pass_and_one_in_8_bits(arguments: dict[str, Any]) -> None:
    passed = 0

    class Counting(LinearClipModel):
        def forward(self, clips: Any) -> Any:
            nonlocal passed
            passed += len(clips)
            return super().forward(clips)

    model = Counting(classes=CLASSES)
    clips, _ = random_clips(9)
    labels = model(clips).argmax(1)
    labels[0] = (labels[0] + 1) % CLASSES
    passed = 0
    found = evaluate(advvid.VideoClassifier(model), clips, labels, **arguments)
    assert passed == 2 * 9
    assert found.clean_accuracy.correct == 8
    assert (found.results, found.alarms, found.probes) == ((), (), {})
    lines = found.to_markdown().splitlines()
    assert lines[0] == "| condition | accuracy | n |"
    assert lines[2].startswith("| none | 88.9 [")
    content = json.loads(json.dumps(found.to_dict()))
    assert content["clean"]["accuracy"] == pytest.approx(8 / 9)
    assert content["results"] == content["worst"] == content["eps"] == []
    assert found.to_csv().splitlines()[1].startswith("none,9,8,")
