"""What the attacks must do to the bundled model, which nothing protects."""

import pytest

import advvid
from advvid.evaluation import evaluate

CLIPS = 50


@pytest.mark.parametrize(
    ("attack", "at_most"),
    [
        # At the step of the law, 1.8/255.
        ("pgd:eps=8/255", 0.02),
        ("masked-pgd:eps=1,ratio=0.15", 0.2),
        ("frame-border:eps=1,ratio=0.15", 0.2),
    ],
)
def test_hardly_a_clip_stands(attack: str, at_most: float) -> None:
    classifier = advvid.VideoClassifier(advvid.load_model("motions-r3d"))
    clips, labels = advvid.load_dataset("motions").sample(CLIPS, seed=0)
    found = evaluate(classifier, clips, labels, attacks=[attack], eps=[], alarms=False)
    (result,) = found.results
    assert found.clean_accuracy.value >= 0.95
    assert result.accuracy.value <= at_most
