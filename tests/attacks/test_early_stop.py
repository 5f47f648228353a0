"""Attacks that stop early stop where a video file keeps what they have found."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advvid.attacks import ATTACKS, linf_pgd
from advvid.attacks.core.eight_bits import Settled, in_8_bits
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, bent_model, random_clips


def clips_of_a_file(count: int = 40) -> tuple[nn.Module, Tensor, Tensor]:
    """Clips of whole levels, which the model is right about."""
    model = bent_model()
    clips, _ = random_clips(count)
    clips = (clips * 150 + 50).round() / 255
    return model, clips, model(clips).argmax(1)


def fooled(model: nn.Module, clips: Tensor, labels: Tensor) -> Tensor:
    wrong: Tensor = model(clips).argmax(1) != labels
    return wrong


@pytest.mark.parametrize("levels", [1.0, 2.0, 2.7])
def test_pgd_with_early_stop_fools_in_8_bits_what_pgd_without_does(levels: float) -> None:
    model, clips, labels = clips_of_a_file()
    eps, steps = levels / 255, 8
    settings: dict[str, Any] = {"eps": eps, "step_size": 0.4 / 255}
    every = [linf_pgd(model, clips, labels, steps=n, **settings) for n in range(1, steps + 1)]
    stopped = linf_pgd(model, clips, labels, steps=steps, early_stop=True, **settings)

    kept, full = (in_8_bits(x, (clips, eps)) for x in (stopped, every[-1]))
    assert (fooled(model, full, labels) <= fooled(model, kept, labels)).all()
    assert (fooled(model, every[-1], labels) <= fooled(model, stopped, labels)).all()
    # A clip is left alone at its first iterate that is fooled both ways, and not before.
    settled = [
        fooled(model, x, labels) & fooled(model, in_8_bits(x, (clips, eps)), labels) for x in every
    ]
    waited = torch.zeros(len(clips), dtype=torch.bool)
    for i in range(len(clips)):
        first = next((n for n in range(steps) if settled[n][i]), None)
        if first is not None:
            torch.testing.assert_close(stopped[i], every[first][i])
            waited[i] = any(fooled(model, x, labels)[i] for x in every[:first])
    assert waited.any()


def test_a_clip_that_no_iterate_fools_in_8_bits_keeps_one_that_fools_at_all() -> None:
    """A budget below one level holds only the clean clip in 8 bits."""
    model, clips, labels = clips_of_a_file()
    settings: dict[str, Any] = {"eps": 0.9 / 255, "steps": 6, "step_size": 0.3 / 255}
    stopped = linf_pgd(model, clips, labels, early_stop=True, **settings)
    full = linf_pgd(model, clips, labels, **settings)
    assert fooled(model, full, labels).any()
    assert (fooled(model, full, labels) <= fooled(model, stopped, labels)).all()
    assert not fooled(model, in_8_bits(stopped, (clips, 0.9 / 255)), labels).any()


QUICK: dict[str, dict[str, Any]] = {
    "pgd": {"max_iter": 10, "early_stop": True},
    "frame-saliency": {"max_iter": 5},
    "frame-saliency refresh": {"max_iter": 5, "method": "refresh"},
    "fab-t": {"max_iter": 8, "targets": 2},
    "sparse": {"max_iter": 10},
    "sparse at a price": {"max_iter": 30, "regularization": 0.05},
    "autoattack": {"max_iter": 4, "targets": 2, "queries": 40},
}


@pytest.mark.parametrize("name", QUICK)
def test_more_survives_rounding_than_where_the_first_success_ends_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, clips, labels = clips_of_a_file()
    eps = 2.6 / 255
    classifier = VideoClassifier(model, nb_classes=CLASSES)
    kind = ATTACKS[name.split(" ")[0]]
    attack = kind.build(classifier, eps=eps, verbose=False, batch_size=64, **QUICK[name])

    def successes() -> tuple[Tensor, Tensor]:
        adversarial = attack.generate(clips, labels)
        rounded = in_8_bits(adversarial, (clips, eps))
        return fooled(model, adversarial, labels), fooled(model, rounded, labels)

    as_it_is, rounded = successes()
    monkeypatch.setattr(Settled, "__call__", lambda self, clips, fooled, at=None: fooled.clone())
    first, first_rounded = successes()
    assert rounded.sum() > first_rounded.sum()
    # And none of what fools the model as it is was given up for it.
    assert (first <= as_it_is).all()


def test_only_clips_that_are_fooled_cost_a_look_in_8_bits() -> None:
    model, clips, labels = clips_of_a_file(6)
    seen: list[int] = []

    def counting(clips: Tensor) -> Tensor:
        seen.append(len(clips))
        logits: Tensor = model(clips)
        return logits

    settled = Settled(counting, clips, labels, 2 / 255)
    nothing = torch.zeros(6, dtype=torch.bool)
    assert not settled(clips, nothing).any()
    assert seen == []
    wrong = torch.tensor([False, True, False, True, True, False])
    assert not settled(clips, wrong).any()
    assert seen == [3]
    # Places are those of the batch; each clip has its own label and budget.
    each = Settled(counting, clips, labels, torch.linspace(0.01, 0.06, 6))
    assert not each(clips[[4, 1]], torch.tensor([True, True]), torch.tensor([4, 1])).any()
    assert seen == [3, 2]
