import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from advvid.attacks.core.ascent import input_gradient
from advvid.attacks.core.losses import LOSSES, Loss, dlr, log_odds, margin
from advvid.errors import InputError
from tests.clip_models import CLASSES, random_clips, small_model


@settings(max_examples=50, deadline=None)
@given(
    logits=st.lists(st.lists(st.floats(-20, 20), min_size=4, max_size=4), min_size=1, max_size=5),
    label=st.integers(0, 3),
)
def test_equal_their_formulas_written_out(logits: list[list[float]], label: int) -> None:
    z = torch.tensor(logits, dtype=torch.float64)
    labels = torch.full((len(z),), label)
    for i, row in enumerate(logits):
        rivals = [v for k, v in enumerate(row) if k != label]
        ordered = sorted(row, reverse=True)
        assert float(margin(z, labels)[i]) == pytest.approx(max(rivals) - row[label])
        log_sum = torch.logsumexp(torch.tensor(rivals, dtype=torch.float64), 0)
        assert float(log_odds(z, labels)[i]) == pytest.approx(float(log_sum) - row[label])
        spread = ordered[0] - ordered[2]
        if spread > 1e-3:
            expected = (max(rivals) - row[label]) / spread
            assert float(dlr(z, labels)[i]) == pytest.approx(expected, rel=1e-6)


def test_log_odds_are_cross_entropy_that_does_not_vanish() -> None:
    z = torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.arange(6) % 5
    entropy = F.cross_entropy(z, labels, reduction="none")
    torch.testing.assert_close(F.softplus(log_odds(z, labels)), entropy)
    by_odds, by_entropy = (gradient_of_sum(loss, z, labels) for loss in (log_odds, plain_entropy))
    error = 1 - z.softmax(dim=1).gather(1, labels[:, None])
    torch.testing.assert_close(by_odds * error, by_entropy)
    sure = torch.tensor([[0.0, 120.0, -3.0]])
    label = torch.tensor([1])
    assert not gradient_of_sum(plain_entropy, sure, label).any()
    assert gradient_of_sum(log_odds, sure, label)[0, 0] > 0.9


def plain_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels, reduction="none")


def gradient_of_sum(loss: Loss, logits: Tensor, labels: Tensor) -> Tensor:
    logits = logits.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss(logits, labels).sum(), logits)
    return gradient


def test_dlr_ignores_shift_and_scale() -> None:
    z = torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.arange(6) % 5
    torch.testing.assert_close(dlr(7 * z + 3, labels), dlr(z, labels))


def test_dlr_needs_three_classes() -> None:
    with pytest.raises(InputError, match="3 classes"):
        dlr(torch.zeros(2, 2), torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize("name", LOSSES)
def test_input_gradient_against_finite_differences(name: str) -> None:
    model = small_model().double().eval()
    clips, labels = (t[:2] for t in random_clips())
    clips = clips.double()
    loss = LOSSES[name]
    gradient, losses, logits = input_gradient(model, clips, labels, loss)
    assert logits.shape == (2, CLASSES)
    torch.testing.assert_close(losses, loss(model(clips), labels).detach())
    direction = torch.randn(clips.shape, generator=torch.Generator().manual_seed(1)).double()
    h = 1e-6
    up, down = (loss(model(clips + s * direction), labels) for s in (h, -h))
    expected = ((up - down) / (2 * h)).detach()
    torch.testing.assert_close(
        (gradient * direction).flatten(1).sum(1), expected, rtol=1e-4, atol=1e-7
    )
