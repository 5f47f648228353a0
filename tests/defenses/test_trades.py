import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Categorical
from torch.distributions.kl import kl_divergence as torch_kl

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.defenses import Schedule, TradesStep, kl_divergence, trades_attack, trades_loss
from advvid.errors import InputError
from advvid.random_streams import clip_seeds
from tests.defenses.contexts import NormalizedNet, batch, context, everything, unchanged

EPS = 8 / 255


def test_divergence_is_that_of_torch() -> None:
    first, second = torch.randn(7, 5), torch.randn(7, 5)
    expected = torch_kl(Categorical(logits=first), Categorical(logits=second))
    torch.testing.assert_close(kl_divergence(first, second), expected)


def test_gradient_by_hand() -> None:
    generator = torch.Generator().manual_seed(0)
    clean = torch.randn(6, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    attacked = torch.randn(6, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 3, 0, 1])
    loss = trades_loss(clean, attacked, labels, beta=3.0, criterion=F.cross_entropy)
    by_autograd = torch.autograd.grad(loss, (clean, attacked))
    p, q = clean.softmax(1), attacked.softmax(1)
    ratio = p.log() - q.log()
    divergence = (p * ratio).sum(1, keepdim=True)
    one_hot = F.one_hot(labels, 4)
    expected_clean = ((p - one_hot) + 3 * p * (ratio - divergence)) / 6
    expected_attacked = 3 * (q - p) / 6
    torch.testing.assert_close(by_autograd[0], expected_clean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(by_autograd[1], expected_attacked, rtol=1e-5, atol=1e-6)


def test_the_attack_finds_disagreement_within_the_budget() -> None:
    model, (clips, labels) = NormalizedNet().train(), batch(8)
    before = everything(model)
    attacked = trades_attack(
        model, clips, labels, clip_seeds(0, 8), eps=EPS, step_size=EPS / 4, steps=10
    )
    assert unchanged(model, before)
    assert (attacked - clips).abs().max() <= EPS + 1e-6
    model.eval()
    noise = (clips + EPS * torch.randn_like(clips).sign()).clamp(0, 1)
    with torch.no_grad():
        ours, random = (kl_divergence(model(clips), model(x)) for x in (attacked, noise))
    assert (ours > random).all()


def test_the_step_is_the_loss_of_both_halves() -> None:
    model, (clips, labels) = NormalizedNet(dropout=0).eval(), batch()
    step = TradesStep(EPS, beta=2.0, max_iter=3)
    given = context(model, len(clips))
    loss, logits = step(model, clips, labels, given)
    attacked = trades_attack(
        model, clips, labels, given.clip_seeds, eps=EPS, step_size=EPS, steps=3
    )
    torch.testing.assert_close(logits, model(attacked))
    expected = F.cross_entropy(model(clips), labels)
    expected = expected + 2 * kl_divergence(model(clips), model(attacked)).mean()
    torch.testing.assert_close(loss, expected)
    rising = Schedule("linear", (0.0, EPS))
    clean, _ = TradesStep(rising)(model, clips, labels, given)
    torch.testing.assert_close(clean, F.cross_entropy(model(clips), labels))


@pytest.mark.parametrize("arguments", [{"beta": -1.0}, {"eps": 2.0}, {"max_iter": 0}])
def test_invalid_arguments_are_one_line(arguments: dict[str, float]) -> None:
    with pytest.raises(InputError) as caught:
        TradesStep(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_steps_may_change() -> None:
    model, (clips, labels) = NormalizedNet(dropout=0).eval(), batch()
    changing = TradesStep(
        EPS, eps_step=Schedule("linear", (EPS, EPS / 2)), max_iter=Schedule("list", (1, 3, 2))
    )
    last = TradesStep(EPS, eps_step=StepSizeLaw(0.5, 0.0), max_iter=2)
    given = context(model, len(clips), epoch=2)
    found, expected = (step(model, clips, labels, given)[0] for step in (changing, last))
    torch.testing.assert_close(found, expected)
