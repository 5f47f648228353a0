import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.pgd import linf_pgd
from advvid.defenses import AdversarialStep, Schedule, TrainingAttack, curriculum_step, fast_step
from advvid.errors import InputError
from advvid.random_streams import clip_seeds
from tests.defenses.contexts import NormalizedNet, batch, context

EPS = 8 / 255


class Seen(nn.Module):
    """Remembers the clips that it was asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = NormalizedNet(dropout=0).eval()
        self.num_classes = 4
        self.last = torch.empty(0)

    def forward(self, clips: Tensor) -> Tensor:
        self.last = clips.detach()
        logits: Tensor = self.inner(clips)
        return logits


def test_the_loss_is_that_of_the_attacked_clips() -> None:
    model, (clips, labels) = Seen(), batch()
    step = AdversarialStep(TrainingAttack(max_iter=4), EPS)
    loss, logits = step(model, clips, labels, context(model, len(clips)))
    attacked = linf_pgd(model.inner, clips, labels, eps=EPS, step_size=EPS, steps=4)
    expected = model.inner(attacked)
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(loss, F.cross_entropy(expected, labels))
    gradients = torch.autograd.grad(loss, list(model.inner.fc.parameters()))
    by_hand = torch.autograd.grad(
        F.cross_entropy(expected, labels), list(model.inner.fc.parameters())
    )
    torch.testing.assert_close(gradients, by_hand)


def test_schedules_reach_the_attack() -> None:
    model, (clips, labels) = Seen(), batch()
    attack = TrainingAttack(
        eps_step=Schedule("linear", (0.2, 0.05)), max_iter=Schedule("list", (1, 2, 1))
    )
    step = AdversarialStep(attack, Schedule("linear", (0.0, 0.2)))
    reached = []
    for epoch in range(3):
        step(model, clips, labels, context(model, len(clips), epoch=epoch))
        reached.append(float((model.last - clips).abs().max()))
    # Two steps of 0.125 fill a budget of 0.1; one of 0.05 moves 0.05.
    assert reached == pytest.approx([0, 0.1, 0.05], abs=1e-6)
    assert step.report(1, 3) == {
        "eps": 25.5,
        "eps_step": pytest.approx(255 * 0.125),
        "max_iter": 2,
    }


def test_a_step_of_0_is_not_the_whole_budget() -> None:
    model, (clips, labels) = Seen(), batch()
    attack = TrainingAttack(eps_step=Schedule("linear", (0.0, 0.05)), max_iter=1)
    step = AdversarialStep(attack, 0.1)
    step(model, clips, labels, context(model, len(clips)))
    assert float((model.last - clips).abs().max()) == pytest.approx(0.001, abs=1e-6)


def test_what_is_told_of_an_epoch_is_what_was_in_force() -> None:
    step = AdversarialStep(eps=Schedule("linear", (0.0, 29 / 255), "iteration"))
    # 30 steps from 0 to 29: the second of three epochs begins with the eleventh.
    assert [step.report(epoch, 3, 10)["eps"] for epoch in range(3)] == [0, 10, 20]
    fixed = AdversarialStep(TrainingAttack("pgd:eps=4/255"))
    assert "eps" not in fixed.report(0, 3, 10)


def test_a_share_stays_clean_whatever_the_batch() -> None:
    model, (clips, labels) = Seen(), batch(40)
    step = AdversarialStep(TrainingAttack(max_iter=1), EPS, clean_share=0.3)
    step(model, clips, labels, context(model, 40))
    whole = model.last
    clean = (whole == clips).flatten(1).all(1)
    assert 4 <= int(clean.sum()) <= 20
    part = slice(10, 25)
    step(model, clips[part], labels[part], context(model, 15, clip_seeds=clip_seeds(0, 40)[part]))
    torch.testing.assert_close(model.last, whole[part])


def test_curriculum_and_fast_are_this_step_with_other_settings() -> None:
    up = curriculum_step(12 / 255)
    assert [up.report(e, 4)["eps"] for e in range(4)] == [0, 4, 8, 12]
    down = curriculum_step(12 / 255, direction="down")
    assert [down.report(e, 4)["eps"] for e in range(4)] == [12, 8, 4, 0]
    fast = fast_step(EPS)
    assert (fast.attack.max_iter, fast.attack.random_start) == (1, True)
    assert fast.attack.eps_step == StepSizeLaw(1.25, 0.0)
    assert list(up.figures([up.report(e, 4) for e in range(4)])) == ["budgets.png"]
    assert fast.figures([fast.report(0, 4)]) == {}


def test_repr_tells_settings_apart_and_nothing_else() -> None:
    # It is what a resume compares.
    first, second = AdversarialStep(), AdversarialStep()
    model, (clips, labels) = Seen(), batch()
    first(model, clips, labels, context(model, len(clips)))
    assert repr(first) == repr(second)
    assert repr(first) != repr(AdversarialStep(eps=4 / 255))
    assert repr(first) != repr(AdversarialStep(TrainingAttack(eps_step=StepSizeLaw(0.2, 0.2))))


@pytest.mark.parametrize(
    "arguments",
    [
        {"eps": 8},
        {"eps": -0.1},
        {"clean_share": 1.0},
        {"attack": TrainingAttack("pgd:eps=0.1"), "eps": Schedule("linear", (0, 0.1))},
    ],
)
def test_invalid_arguments_are_one_line(arguments: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        AdversarialStep(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_directions_and_kinds_of_a_curriculum_are_checked() -> None:
    with pytest.raises(InputError, match="up, down"):
        curriculum_step(direction="left")
    with pytest.raises(InputError, match="linear or cosine"):
        curriculum_step(kind="list")
