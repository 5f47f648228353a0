"""Attacks that are to make each clip look like a certain class, judged by that class."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from advvid.attacks import LinfPGD
from advvid.data import MemoryClips
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.evaluation import Evaluation, evaluate
from advvid.evaluation.condition import Setup
from advvid.evaluation.conditions.suites import expand, untargetable
from advvid.evaluation.conditions.target import LEAST_LIKELY, RANDOM, Target
from advvid.evaluation.views.markdown import report
from advvid.random_streams import clip_seeds
from tests.clip_models import CLASSES, LinearClipModel, bent_model, random_clips

EPS = [1 / 255, 4 / 255, 16 / 255]


def linear_case(count: int = 20, classes: int = CLASSES) -> tuple[LinearClipModel, Tensor, Tensor]:
    """A linear model, clips far from the ends of the pixel range, and labels, not all right."""
    model = LinearClipModel(classes=classes)
    clips = 0.2 + 0.6 * random_clips(count)[0]
    labels = model(clips).argmax(1)
    labels[::5] = (labels[::5] + 1) % classes
    return model, clips, labels


@given(st.integers(2, 12), st.integers(1, 9), st.integers(0, 2**40))
def test_no_target_is_the_label_and_no_target_depends_on_its_batch(
    classes: int, count: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, classes, generator=generator)
    labels = torch.randint(classes, (count,), generator=generator)
    seeds = clip_seeds(seed, count)
    for asked in (LEAST_LIKELY, RANDOM):
        found = Target(asked).of(labels, logits, seeds)
        assert ((found >= 0) & (found < classes) & (found != labels)).all()
        alone = [
            Target(asked).of(labels[i : i + 1], logits[i : i + 1], seeds[i : i + 1])
            for i in range(count)
        ]
        assert torch.equal(torch.cat(alone), found)
    for i, target in enumerate(Target(LEAST_LIKELY).of(labels, logits, seeds).tolist()):
        others = [(float(logits[i, k]), k) for k in range(classes) if k != labels[i]]
        assert min(others)[1] == target


def test_a_random_target_is_any_other_class_equally_often() -> None:
    from scipy.stats import chisquare

    labels = torch.full((4000,), 2)
    drawn = Target(RANDOM).of(labels, torch.zeros(4000, CLASSES), clip_seeds(0, 4000))
    counts = torch.bincount(drawn, minlength=CLASSES).tolist()
    assert counts.pop(2) == 0
    assert chisquare(counts).pvalue > 0.01


def test_of_two_classes_the_target_is_reached_exactly_where_the_label_can_be_left() -> None:
    """The margin of a linear model falls by at most eps times an L1 norm, and PGD gets there."""
    model, clips, labels = linear_case(classes=2)
    result = evaluate(VideoClassifier(model), clips, labels, attacks="pgd", eps=EPS, target=RANDOM)
    assert result.targets is not None
    assert (result.targets == 1 - result.labels).all()
    margin = (model(clips)[:, 0] - model(clips)[:, 1]).abs().detach()
    norm = (model.weight[0] - model.weight[1]).abs().sum().item()
    for one in result.results:
        expected = result.clean & (margin < one.eps * norm).numpy()
        np.testing.assert_array_equal(one.reaches(), expected)
        np.testing.assert_array_equal(one.correct, result.clean & ~expected)
    assert 0 < result.results[1].reaches().sum() < result.clean.sum() == 16
    success = result.targeted_success(result.results[1].reaches())
    assert success.count == 16
    assert success.correct == result.results[1].reaches().sum()


def test_no_clip_reaches_a_target_that_is_out_of_reach() -> None:
    model, clips, labels = linear_case()
    result = evaluate(
        VideoClassifier(model), clips, labels, attacks=["pgd", "apgd-ce"], eps=EPS, target=RANDOM
    )
    assert result.targets is not None
    logits = model(clips).detach()
    for one in result.results:
        for i in np.flatnonzero(one.reaches()):
            target = int(result.targets[i])
            norms = (model.weight[target] - model.weight).abs().sum(1)
            best = logits[i, target] - logits[i] + one.eps * norms
            assert (best >= -1e-5).all()
        assert not (one.reaches() & one.correct).any()
    # What is in reach of all bounds at once is mostly reached, and only clips that were right.
    reached = result.reached(EPS[-1])
    assert (reached <= result.clean).all()
    assert reached.sum() > 12
    assert {one.applied for one in result.results} == {16}


def test_clips_of_the_target_class_are_left_out_and_counted() -> None:
    model, clips, labels = linear_case()
    chosen = int(labels.bincount().argmax())
    there = int((labels == chosen).sum())
    result = evaluate(
        VideoClassifier(model), clips, labels, attacks="pgd", eps=EPS[:1], target=chosen
    )
    np.testing.assert_array_equal(result.positions, (labels != chosen).nonzero().flatten())
    assert result.targets is not None
    assert (result.targets == chosen).all()
    assert result.results[0].applied == result.clean.sum() < len(result.clean)
    told = f"class {chosen}; {there} of 20 clips are of it and left out"
    assert result.about["target"] == told
    assert told in report(result)
    own = model(clips).argmax(1)
    with pytest.raises(InputError, match="every clip is of the target class"):
        evaluate(
            VideoClassifier(model),
            clips[own == chosen],
            own[own == chosen],
            attacks="pgd",
            target=chosen,
        )


def test_an_attack_stops_early_at_its_target_and_not_at_any_wrong_class() -> None:
    model = bent_model()
    clips, _ = random_clips(16)
    labels = model(clips).argmax(1)
    whole, early = (
        evaluate(
            VideoClassifier(model, nb_classes=CLASSES),
            clips,
            labels,
            attacks=[f"pgd{how}"],
            eps=[8 / 255],
            target=LEAST_LIKELY,
            alarms=False,
        ).results[0]
        for how in ("", ":early_stop=yes")
    )
    assert early.reaches().sum() >= whole.reaches().sum() > 0
    assert early.gradients < whole.gradients


def test_suites_leave_out_what_chooses_its_targets_and_names_are_refused() -> None:
    kept = [row.spec.text for row in expand(["standard"], targeted=True)]
    left_out = untargetable(["standard"])
    assert left_out == ["random-noise", "corner-noise", "apgd-t", "fab-t"]
    assert {"pgd", "masked-pgd", "square", "apgd-ce"} <= set(kept)
    assert not set(kept) & set(left_out)
    for name in ("apgd-t", "fab-t", "autoattack", "random-noise", "corner-noise"):
        with pytest.raises(InputError, match=f"{name} cannot be targeted: "):
            expand(["quick", name], targeted=True)


def test_attack_objects_must_be_made_for_targets() -> None:
    model, clips, labels = linear_case(4)
    classifier = VideoClassifier(model)
    aimed, free = LinfPGD(classifier, targeted=True), LinfPGD(classifier)
    result = evaluate(classifier, clips, labels, attacks=aimed, target=RANDOM, alarms=False)
    assert result.results[0].reached is not None
    with pytest.raises(InputError, match="not targeted, and a target is given: targeted=True"):
        evaluate(classifier, clips, labels, attacks=free, target=RANDOM)
    with pytest.raises(InputError, match="labels are no targets here"):
        evaluate(classifier, clips, labels, attacks=aimed)
    with pytest.raises(InputError, match="no attack"):
        evaluate(classifier, clips, labels, attacks="none", target=RANDOM)


class Named(LinearClipModel):
    classes = ("zero", "one", "two", "three", "four")


def test_a_target_is_read_from_words_names_and_numbers() -> None:
    setup = Setup(VideoClassifier(Named(classes=CLASSES)), MemoryClips(random_clips(1)[0], None))
    assert Target.read("random", setup).number is None
    assert Target.read("two", setup) == Target.read(2, setup) == Target("class 2 (two)", 2)
    assert Target.read("b", setup, list("abcde")).number == 1
    with pytest.raises(InputError, match="did you mean random"):
        Target.read("randm", setup)
    with pytest.raises(InputError, match=r"target: .*'9'; use .*a number from 0 to 4"):
        Target.read(9, setup)


class Stops(nn.Module):
    """Stops when too many clips have passed."""

    def __init__(self, inner: nn.Module, at_most: int) -> None:
        super().__init__()
        self.inner, self.left, self.num_classes = inner, at_most, CLASSES

    def forward(self, clips: Tensor) -> Tensor:
        self.left -= len(clips)
        if self.left < 0:
            raise KeyboardInterrupt
        logits: Tensor = self.inner(clips)
        return logits


def test_a_stopped_evaluation_goes_on_to_the_same_targets_only(tmp_path: Path) -> None:
    model, clips, labels = linear_case()
    given: dict[str, Any] = {
        "attacks": "pgd:max_iter=2",
        "eps": EPS,
        "batch_size": 3,
        "alarms": False,
    }

    def run(at_most: int, target: str, **more: Any) -> Evaluation:
        classifier = VideoClassifier(Stops(model, at_most))
        return evaluate(classifier, clips, labels, target=target, **given, **more)

    unbroken = run(10**9, RANDOM)
    parts = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        run(150, RANDOM, parts=parts)
    with pytest.raises(InputError, match="another evaluation"):
        run(10**9, LEAST_LIKELY, parts=parts)
    resumed = run(10**9, RANDOM, parts=parts)
    assert resumed.to_dict()["targets"] == unbroken.to_dict()["targets"]
    for one, other in zip(resumed.results, unbroken.results, strict=True):
        np.testing.assert_array_equal(one.reaches(), other.reaches())
        assert one.applied == other.applied
