from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from advvid.attacks.core.losses import log_odds
from advvid.attacks.core.step_law import PAPER_LAW
from advvid.attacks.pgd import linf_pgd
from advvid.defenses import AdversarialStep, Schedule, TrainingAttack
from advvid.defenses.core import training_attack
from advvid.errors import InputError
from advvid.random_streams import clip_seeds
from tests.defenses.contexts import NormalizedNet, batch, context, everything, unchanged

EPS = 8 / 255


@pytest.mark.parametrize("batch_norm", ["eval", "train"])
@pytest.mark.parametrize("attack", ["pgd", "frame-border:ratio=0.9", "flickering", "apgd-ce"])
def test_the_model_comes_back_as_it_was_and_clips_stay_in_bounds(
    attack: str, batch_norm: str
) -> None:
    model = NormalizedNet().train()
    model.conv.weight.requires_grad_(False)
    clips, labels = batch()
    before = everything(model)
    make = TrainingAttack(attack, max_iter=3, batch_norm=batch_norm)  # type: ignore[arg-type]
    attacked = make(model, clips, labels, clip_seeds(0, len(clips)), eps=EPS)
    assert unchanged(model, before)
    assert (attacked - clips).abs().max() <= EPS + 1e-6
    assert 0 <= attacked.min() <= attacked.max() <= 1
    assert not torch.equal(attacked, clips)
    assert not attacked.requires_grad


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 6), st.floats(1 / 255, 0.5), st.integers(1, 4))
def test_pgd_is_that_of_the_attacks(count: int, eps: float, steps: int) -> None:
    model = NormalizedNet()
    clips, labels = batch(count)
    ours = TrainingAttack(eps_step=PAPER_LAW, max_iter=steps)(
        model, clips, labels, clip_seeds(0, count), eps=eps
    )
    theirs = linf_pgd(model, clips, labels, eps=eps, step_size=PAPER_LAW, steps=steps)
    # The class keeps the budget as float32.
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_train_mode_attacks_the_model_that_normalizes_by_the_batch() -> None:
    model, (clips, labels) = NormalizedNet(), batch(6)
    model.norm.running_mean.fill_(3.0)  # type: ignore[union-attr]
    attacked = TrainingAttack(max_iter=1, batch_norm="train")(
        model, clips, labels, clip_seeds(0, 6), eps=EPS
    )
    plain = NormalizedNet(dropout=0).train()
    x = clips.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(log_odds(plain(x), labels).sum(), x)
    torch.testing.assert_close(attacked, clips + EPS * gradient.sign())
    by_eval = TrainingAttack(max_iter=1)(model, clips, labels, clip_seeds(0, 6), eps=EPS)
    assert not torch.equal(attacked, by_eval)


def test_no_budget_no_change_and_the_text_wins() -> None:
    model, (clips, labels) = NormalizedNet(), batch()
    seeds = clip_seeds(0, len(clips))
    assert TrainingAttack()(model, clips, labels, seeds, eps=0) is clips
    fixed = TrainingAttack("pgd:eps=0.5,max_iter=1,eps_step=0.5", max_iter=9)
    far = fixed(model, clips, labels, seeds, eps=EPS)
    assert (far - clips).abs().max() > EPS + 0.1


def test_the_model_is_wrapped_once_and_a_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, (clips, labels) = NormalizedNet(), batch()
    step, given = AdversarialStep(TrainingAttack(max_iter=1), EPS), context(model, len(clips))
    made: list[str] = []

    def counted(name: str) -> None:
        original = getattr(training_attack, name)

        def call(*arguments: Any, **options: Any) -> Any:
            made.append(name)
            return original(*arguments, **options)

        monkeypatch.setattr(training_attack, name, call)

    counted("VideoClassifier")
    counted("parse_attack")
    for _ in range(3):
        step(model, clips, labels, given)
    assert made == ["VideoClassifier"]
    other = NormalizedNet()
    step(other, clips, labels, context(other, len(clips)))
    assert made == ["VideoClassifier"] * 2


def test_soft_labels_are_attacked_at_their_largest_share() -> None:
    model, (clips, labels) = NormalizedNet(), batch()
    soft = 0.8 * F.one_hot(labels, 4) + 0.05
    seeds = clip_seeds(0, len(clips))
    hard, found = (TrainingAttack()(model, clips, y, seeds, eps=EPS) for y in (labels, soft))
    assert torch.equal(hard, found)


def test_a_random_start_is_the_clips_own() -> None:
    model, (clips, labels) = NormalizedNet(), batch(6)
    seeds = clip_seeds(7, 6)
    make = TrainingAttack(max_iter=2, random_start=True)
    whole = make(model, clips, labels, seeds, eps=EPS)
    halves = [make(model, clips[s], labels[s], seeds[s], eps=EPS) for s in (slice(2), slice(2, 6))]
    torch.testing.assert_close(whole, torch.cat(halves))
    other = make(model, clips, labels, clip_seeds(8, 6), eps=EPS)
    assert not torch.allclose(whole, other)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"attack": "pdg"}, "pgd"),
        ({"attack": "torchattacks/PGDL2"}, "budget of its own"),
        ({"attack": "frame-saliency", "random_start": True}, "random start"),
        ({"max_iter": 0}, "max_iter"),
        ({"max_iter": Schedule("linear", (0, 5))}, "max_iter"),
        ({"attack": "pgd:max_iter=3", "max_iter": Schedule("list", (1, 2))}, "no schedule"),
        ({"batch_norm": "off"}, "eval, train"),
    ],
)
def test_invalid_arguments_are_one_line(arguments: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        TrainingAttack(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
