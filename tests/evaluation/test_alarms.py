"""Models that mask their gradients raise the alarms, an honest one raises none."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import advvid
from advvid.attacks.core.step_law import PAPER_LAW
from advvid.data.clip_origin import ClipOrigin
from advvid.evaluation import ConditionResult, Evaluation, Strength, evaluate
from advvid.evaluation.alarms import find_alarms
from advvid.evaluation.conditions.attack import LINF
from tests.clip_models import CLASSES, LinearClipModel, random_clips

EPS = [2 / 255, 8 / 255, 16 / 255]


class Masked(nn.Module):
    """A model behind a layer that stops, scales or blurs the gradient."""

    def __init__(self, inner: nn.Module, how: str) -> None:
        super().__init__()
        self.inner, self.how = inner, how
        self.num_classes = CLASSES
        self.calls = 0

    def forward(self, clips: Tensor) -> Tensor:
        self.calls += 1
        logits: Tensor
        if self.how == "stops":
            # As a layer that rounds, whose derivative is 0: the model sees 8 bits.
            logits = self.inner(torch.round(clips * 255) / 255 + 0 * clips)
        elif self.how == "saturates":
            logits = self.inner(clips) * 1e4
        elif self.how == "random":
            noise = torch.randn(clips.shape, generator=torch.Generator().manual_seed(self.calls))
            logits = self.inner(clips + 0.3 * noise)
        else:
            logits = self.inner(clips)
        return logits


def case(how: str, count: int = 24) -> tuple[Any, Tensor, Tensor]:
    """A linear model that is right about its clips, behind a mask."""
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(count)
    clips = torch.round((0.2 + 0.6 * clips) * 255) / 255
    classifier = advvid.VideoClassifier(Masked(model, how))
    return classifier, clips, model(clips).argmax(1)


def alarms(how: str, attacks: list[str], **kwargs: Any) -> dict[str, dict[str, Any]]:
    classifier, clips, labels = case(how)
    found = evaluate(classifier, clips, labels, attacks=attacks, eps=EPS, **kwargs)
    for alarm in found.alarms:
        assert "\n" not in alarm.message
    return {alarm.name: alarm.measured for alarm in found.alarms}


def test_a_plain_model_raises_none() -> None:
    assert alarms("plain", ["random-noise", "pgd", "pgd:loss=cw,max_iter=5", "masked-pgd"]) == {}


def test_the_bundled_model_raises_none() -> None:
    clips, labels = advvid.load_dataset("motions").sample(16, seed=1)
    classifier = advvid.VideoClassifier(advvid.load_model("motions-r3d"))
    found = evaluate(classifier, clips, labels, attacks=["random-noise", "pgd"], eps=EPS)
    assert found.alarms == ()


def test_gradients_that_are_zero_are_seen_in_every_way() -> None:
    found = alarms("stops", ["pgd", "corner-noise"])
    assert found["zero gradients"]["zero_gradient"] == 24
    assert found["a huge budget fools too few"]["remain_correct_at_64"] == 24
    assert found["random noise as good as gradients"]["noise_not_weaker"] > 6
    assert found["accuracy does not fall with the budget"]["remain_correct"] == 24
    assert "one step better than many" not in found


def test_black_box_that_beats_white_box_is_seen() -> None:
    found = alarms("stops", ["pgd", "square:queries=200"])
    measured = found["black box beats white box"]
    assert measured["only_black_box"] > measured["only_white_box"] == 0
    assert measured["black_box"] == "square:queries=200"


def test_saturated_softmax_stops_no_attack_and_raises_none() -> None:
    classifier, clips, labels = case("saturates")
    found = evaluate(classifier, clips, labels, attacks=["pgd"], eps=[64 / 255])
    assert found.accuracy("pgd", 64 / 255).correct == 0
    assert found.alarms == ()


def test_random_outputs_are_seen_and_averaging_is_offered() -> None:
    found = alarms("random", ["pgd:max_iter=3"])
    assert found["outputs differ between identical calls"]["differs"] > 1e-3
    averaged = alarms("random", ["pgd:max_iter=3"], eot=8)
    assert "outputs differ between identical calls" not in averaged


def test_a_step_far_from_the_law_is_seen_once_an_attack() -> None:
    found = alarms("plain", ["pgd:eps_step=1e-5,max_iter=3", "pgd:eps_step=0.5"])
    assert found["step size far from the law"]["attack"] == "pgd:eps_step=0.5"
    assert [row["eps"] for row in found["step size far from the law"]["steps"]] == [2, 8, 16]
    near = alarms("plain", ["pgd:eps_step=0.005"])
    assert "step size far from the law" not in near


def result(attack: str, eps: float, correct: list[int]) -> ConditionResult:
    flags = np.array(correct, dtype=bool)
    facts = {"norm": "Linf", "access": "white box", "bound": "Linf"}
    strength = Strength(eps / 255, LINF)
    return ConditionResult(attack, attack, strength, flags, flags, facts=facts)


@pytest.mark.parametrize(
    ("small", "large", "name"),
    [
        ([0] * 6 + [1] * 4, [1] * 10, "accuracy rises with the budget"),
        ([0, 0] + [1] * 8, [1] * 2 + [0] * 8, None),
        ([1] * 10, [1] * 10, "accuracy does not fall with the budget"),
        ([1] * 10, [1] * 9 + [0], None),
        # Six clips more and none less could not be chance; two more could.
        ([0, 0] + [1] * 8, [1] * 9 + [0], None),
    ],
)
def test_budgets_are_compared_clip_by_clip(
    small: list[int], large: list[int], name: str | None
) -> None:
    names = [alarm.name for alarm in find_alarms(of_two_budgets(small, large), PAPER_LAW)]
    assert (name in names) if name else names == []


def test_clips_of_one_video_are_one_witness() -> None:
    small, large = [0] * 6 + [1] * 4, [1] * 10
    videos = tuple(ClipOrigin(name) for name in "aaaaaabcde")
    found = find_alarms(of_two_budgets(small, large, videos), PAPER_LAW)
    assert "accuracy rises with the budget" not in [alarm.name for alarm in found]


def of_two_budgets(
    small: list[int], large: list[int], origins: tuple[ClipOrigin, ...] = ()
) -> Evaluation:
    right = np.ones(10, dtype=bool)
    return Evaluation(
        columns=(Strength(4 / 255, LINF), Strength(8 / 255, LINF)),
        positions=np.arange(10),
        labels=np.zeros(10, dtype=np.int64),
        predicted=np.zeros(10, dtype=np.int64),
        clean=right,
        clean_8bit=right,
        results=(result("pgd", 4, small), result("pgd", 8, large)),
        origins=origins,
    )


@pytest.mark.parametrize(
    ("left", "steps", "bound", "seen"),
    [
        (12, 20, "Linf", True),
        # One step is weak because it is short; an attack on a part has another aim.
        (12, 1, "Linf", False),
        (12, 20, "Linf in a patch", False),
        # Five clips more than the best are significant, and not far more.
        (5, 20, "Linf", False),
    ],
)
def test_a_white_box_that_leaves_far_more_than_the_best_is_seen(
    left: int, steps: int, bound: str, seen: bool
) -> None:
    count = 24

    def row(name: str, remain: int, steps: int, bound: str) -> ConditionResult:
        flags = np.arange(count) < remain
        facts = {"norm": "Linf", "access": "white box", "bound": bound}
        return ConditionResult(
            name,
            name,
            Strength(4 / 255, LINF),
            flags,
            flags,
            facts=facts,
            applied=count,
            gradients=steps * count,
        )

    right = np.ones(count, dtype=bool)
    found = Evaluation(
        columns=(Strength(4 / 255, LINF),),
        positions=np.arange(count),
        labels=np.zeros(count, dtype=np.int64),
        predicted=np.zeros(count, dtype=np.int64),
        clean=right,
        clean_8bit=right,
        results=(row("weak", left, steps, bound), row("best", 0, 40, "Linf")),
    )
    names = [alarm.name for alarm in find_alarms(found, PAPER_LAW)]
    assert names == (["a white box far weaker than the best"] if seen else [])
