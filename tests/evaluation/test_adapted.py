"""What probing shows of a model changes what an evaluation does: the same on every way through."""

from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

import advvid
from advvid.errors import InputError
from advvid.evaluation import Evaluation, evaluate
from advvid.evaluation.conditions import suites
from tests.evaluation.test_gradient_masks import CLIPS, SMALL_EPS, small_case
from tests.gradient_masks import HARMLESS, MASKS, Model, Wrapped, Wrapper


def without_gradient(model: Model, clips: Tensor) -> Tensor:
    return model(clips.detach())


def run(wrapper: Wrapper, attacks: list[str], **kwargs: Any) -> Evaluation:
    model, clips, labels = small_case()
    classifier = advvid.VideoClassifier(Wrapped(model, wrapper))
    return evaluate(classifier, clips, labels, attacks=attacks, eps=SMALL_EPS, **kwargs)


def test_without_a_gradient_black_box_attacks_go_on() -> None:
    found = run(without_gradient, ["random-noise", "pgd", "apgd-t", "square:queries=30"])
    assert found.attacks == ("random-noise", "square:queries=30")
    alone = run(HARMLESS["plain"], ["square:queries=30"])
    assert found.result("square:queries=30", SMALL_EPS).correct.tolist() == (
        alone.result("square:queries=30", SMALL_EPS).correct.tolist()
    )
    assert found.about["left out"] == "pgd, apgd-t: no gradient"
    (alarm,) = found.alarms
    assert alarm.name == "no gradient"
    assert "add square" not in alarm.message
    told = found.to_dict()
    assert told["probes"]["no_gradient"] == CLIPS
    assert told["alarms"][0]["message"] == alarm.message


def test_without_a_gradient_controls_alone_show_nothing() -> None:
    (alarm,) = run(without_gradient, ["random-noise", "pgd"]).alarms
    assert "add square" in alarm.message


@pytest.mark.parametrize("alarms", [True, False])
def test_without_a_gradient_and_an_attack_that_needs_none(alarms: bool) -> None:
    with pytest.raises(InputError, match=r"gives no gradient .*such as square"):
        run(without_gradient, ["pgd"], alarms=alarms)


@pytest.fixture
def tiny_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(suites.SUITES, "tiny", {"all": ["pgd", "square:queries=20"]})


@pytest.mark.usefixtures("tiny_suite")
def test_where_gradients_are_in_doubt_a_suite_searches_longer() -> None:
    calm = run(HARMLESS["plain"], ["tiny", "square:queries=30"])
    assert calm.attacks == ("pgd", "square:queries=20", "square:queries=30")
    doubted = run(MASKS["flipped signs"], ["tiny", "square:queries=30"])
    assert doubted.attacks == ("pgd", "square:queries=200", "square:queries=30")
    longer, own = (doubted.result(name, SMALL_EPS) for name in doubted.attacks[1:])
    assert longer.group == "all"
    assert 30 < longer.forwards_per_clip <= 200
    assert own.forwards_per_clip <= 30


@pytest.mark.usefixtures("tiny_suite")
def test_one_that_searches_longer_may_have_been_asked_for() -> None:
    found = run(MASKS["flipped signs"], ["tiny", "square:queries=200"])
    assert found.attacks == ("pgd", "square:queries=200")


@pytest.mark.usefixtures("tiny_suite")
@pytest.mark.parametrize("at_most", [400, 2500])
def test_a_stopped_evaluation_goes_on_with_what_was_measured(at_most: int, tmp_path: Path) -> None:
    """The second part measures nothing anew, and does what the first has begun."""
    passed = 0

    def stopping(model: Model, clips: Tensor) -> Tensor:
        nonlocal passed
        passed += len(clips)
        if passed > at_most:
            raise KeyboardInterrupt
        return MASKS["flipped signs"](model, clips)

    whole = run(MASKS["flipped signs"], ["tiny"], batch_size=8)
    with pytest.raises(KeyboardInterrupt):
        run(stopping, ["tiny"], batch_size=8, parts=tmp_path / "parts")
    resumed = run(MASKS["flipped signs"], ["tiny"], batch_size=8, parts=tmp_path / "parts")
    assert resumed.probes == whole.probes
    assert resumed.attacks == whole.attacks
    assert [one.forwards for one in resumed.results] == [one.forwards for one in whole.results]
