"""The smallest budget of each clip, by bisection, beside closed forms."""

import numpy as np
import pytest
import torch
from torch import Tensor

from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.evaluation import Minimal, evaluate
from tests.clip_models import CLASSES, LinearClipModel, random_clips


def case(classes: int, count: int = 15) -> tuple[LinearClipModel, Tensor, Tensor, Tensor]:
    """A linear model, clips, labels and the exact Linf distances of the nearest errors."""
    model = LinearClipModel(classes=classes)
    clips = 0.3 + 0.4 * random_clips(count)[0]
    logits = model(clips).detach()
    labels = logits.argmax(1)
    norms = (model.weight[labels][:, None] - model.weight[None]).abs().sum(2).detach()
    margins = (logits.gather(1, labels[:, None]) - logits) / norms.clamp_min(1e-9)
    return model, clips, labels, margins.scatter(1, labels[:, None], torch.inf).amin(1)


def test_bisection_finds_the_exact_distance_to_its_resolution() -> None:
    model, clips, labels, exact = case(classes=2)
    largest = float(exact.median()) * 1.5
    classifier = VideoClassifier(model)
    # A step as large as the budget: against two classes one step is the best attack.
    minimal = Minimal("pgd:max_iter=2,eps_step=1", eps=largest, halvings=8)
    result = evaluate(classifier, clips, labels, attacks=[], conditions=minimal, alarms=False)
    (one,) = result.results
    told, near = one.report["distance"], (exact <= largest).numpy()
    assert 0 < near.sum() < len(near)
    np.testing.assert_array_equal(np.isfinite(told), near)
    np.testing.assert_array_equal(one.correct, ~near)
    excess = told[near] - exact.numpy()[near]
    assert (excess > -1e-6).all()
    assert (excess <= largest / 2**8 + 1e-6).all()
    (half,) = result.distances()
    assert half.found is not None
    assert half.found.median == pytest.approx(255 * np.sort(told)[7])


def test_batches_change_nothing_and_no_attack_gets_nearer() -> None:
    model, clips, labels, exact = case(classes=CLASSES)
    found = [
        evaluate(
            VideoClassifier(model),
            clips,
            labels,
            attacks=["pgd:max_iter=5"],
            eps=[16 / 255],
            conditions="minimal:attack=[pgd:max_iter=5,num_random_init=1],halvings=4",
            batch_size=size,
            alarms=False,
        )
        for size in (4, 32)
    ]
    few, all_at_once = (one.results[1].report["distance"] for one in found)
    np.testing.assert_allclose(few, all_at_once, rtol=1e-4)
    assert (few >= 0.9999 * exact.numpy()).all()
    # Its largest budget is a column that is there already.
    assert len(found[0].columns) == 1
    np.testing.assert_array_equal(found[0].results[0].correct, found[0].results[1].correct)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("minimal:attack=[pgd:eps=4/255]", "leave eps out"),
        ("minimal:attack=[fab-t]", "use pgd"),
        ("minimal:attack=[pgd:norm=L2]", "bounds L2: leave the norm out"),
        ("minimal:attack=[pdg]", "did you mean pgd"),
        ("minimal:halvings=0", "halvings"),
        ("minimal:eps=2", "eps"),
    ],
)
def test_bad_settings_are_refused(text: str, words: str) -> None:
    model, clips, labels, _ = case(classes=2, count=2)
    with pytest.raises(InputError, match=words):
        evaluate(VideoClassifier(model), clips, labels, attacks=[], conditions=text)


def test_it_has_no_target() -> None:
    model, clips, labels, _ = case(classes=2, count=2)
    with pytest.raises(InputError, match="has no target: leave it out"):
        evaluate(
            VideoClassifier(model),
            clips,
            labels,
            attacks="pgd",
            conditions="minimal",
            target="random",
        )
