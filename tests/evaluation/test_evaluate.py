from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from advvid.attacks import parse_attack, registry
from advvid.attacks.core.attack_entry import AttackEntry
from advvid.attacks.core.video_attack import AttackBatch, Attacked
from advvid.attacks.pgd import LinfPGD
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.evaluation import evaluate
from advvid.methods import Registry
from tests.clip_models import CLASSES, LinearClipModel, random_clips


def linear_case(count: int = 24) -> tuple[LinearClipModel, Tensor, Tensor]:
    """A linear model, clips, and labels that are right for two thirds of them."""
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(count)
    clips = 0.2 + 0.6 * clips
    labels = model(clips).argmax(1)
    labels[::3] = (labels[::3] + 1) % CLASSES
    return model, clips, labels


def test_linear_model_stands_exactly_where_the_closed_form_says() -> None:
    """Against each rival class the margin falls by at most eps times an L1 norm."""
    model, clips, labels = linear_case()
    eps = [0.5 / 255, 2 / 255, 16 / 255]
    result = evaluate(VideoClassifier(model), clips, labels, attacks=["pgd:loss=cw"], eps=eps)
    logits = model(clips).detach()
    for e, budget in enumerate(eps):
        for i, label in enumerate(labels):
            difference = model.weight[label] - model.weight
            margin = logits[i, label] - logits[i] - budget * difference.abs().sum(1)
            margin[label] = torch.inf
            certain = margin.min()
            # PGD attacks one rival at a time and may miss the nearest, so it gives an upper bound.
            if certain > 1e-5:
                assert result.results[e].correct[i]
    assert result.clean_accuracy.correct == 16
    assert not any(found.correct[::3].any() for found in result.results)
    assert result.accuracy("pgd:loss=cw", 16 / 255).correct == 0


def test_misclassified_clips_are_not_attacked_and_batches_change_nothing() -> None:
    model, clips, labels = linear_case()
    classifier = VideoClassifier(model)
    # Almost nothing but a random start, so that the random stream of each clip matters.
    noise = "pgd:num_random_init=1,max_iter=1,eps_step=1e-6"
    kwargs: dict[str, Any] = {"attacks": [noise], "eps": [0.9]}
    found = [
        evaluate(classifier, clips, labels, batch_size=size, seed=seed, **kwargs)
        for size, seed in ((5, 2), (64, 2), (64, 3))
    ]
    right = (model(clips).argmax(1) == labels).numpy()
    assert 0 < right.sum() < len(right)
    for evaluation in found:
        (result,) = evaluation.results
        assert result.applied == right.sum()
        # Only a clip that was attacked has a loss.
        np.testing.assert_array_equal(~np.isnan(result.loss), right)
    runs = [evaluation.results[0].correct for evaluation in found]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[1] != runs[2]).any()
    assert 0 < runs[0].sum() < 16


def test_a_model_that_is_always_wrong_is_evaluated_too() -> None:
    model, clips, _ = linear_case()
    wrong = (model(clips).argmax(1) + 1) % CLASSES
    result = evaluate(VideoClassifier(model), clips, wrong, attacks="pgd", eps=[1 / 255])
    assert result.clean_accuracy.correct == 0
    assert result.accuracy("pgd", 1 / 255).correct == 0
    with pytest.raises(InputError, match="was not evaluated"):
        result.accuracy("pgd", 2 / 255)
    with pytest.raises(InputError, match="was not evaluated"):
        result.accuracy("fgsm", 1 / 255)
    with pytest.raises(InputError, match="batch_size"):
        evaluate(VideoClassifier(model), clips, wrong, batch_size=0)


class Cheat(LinfPGD):
    """Claims a budget and takes twice as much."""

    def perturb(self, model: Any, batch: AttackBatch) -> Attacked:
        return Attacked((batch.clips + 2 * float(self.eps)).clamp(0, 1))


def test_an_attack_that_leaves_its_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    cheating = Registry("attack", {**registry.ATTACKS, "cheat": AttackEntry(Cheat)})
    monkeypatch.setattr(registry, "ATTACKS", cheating)
    model, clips, labels = linear_case()
    with pytest.raises(RuntimeError, match="left its bound"):
        evaluate(VideoClassifier(model), clips, labels, attacks=["cheat"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pdg", "did you mean pgd"),
        ("masked_pgd", "masked-pgd"),
        ("pgd:ratio=0.1", "no setting"),
        ("pgd:max_iter", "needs a value"),
        ("pgd:targeted=yes", "no setting"),
        ("pgd:max_iter=many", "cannot be 'many'"),
        ("masked-pgd:ratio=0", "ratio"),
        ("masked-pgd:ratio=1.5", "ratio"),
        ("pgd:eps_step=none.json", "none.json"),
    ],
)
def test_bad_attacks_are_refused(text: str, words: str) -> None:
    model, clips, labels = linear_case()
    with pytest.raises(InputError, match=words):
        evaluate(VideoClassifier(model), clips, labels, attacks=[text])


def test_settings_reach_the_attack() -> None:
    attack = parse_attack(
        "masked-pgd:ratio=0.3,max_iter=7,early_stop=yes,eps_step=0.01,loss=dlr,shared=1"
    ).build(VideoClassifier(LinearClipModel()), eps=0.5)
    assert (attack.ratio, attack.max_iter, attack.early_stop) == (0.3, 7, True)
    assert (attack.eps_step, attack.loss, attack.shared, attack.eps) == (0.01, "dlr", True, 0.5)
