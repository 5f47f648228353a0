"""What the attacks of other toolkits must leave alone, and a case that they must succeed in."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from advvid.attacks.toolkits.foreign_attack import ForeignAttack
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, LinearClipModel, random_clips

SHAPE = (3, 4, 8, 8)


@contextmanager
def nothing_changes(
    model: nn.Module, clips: Tensor, capsys: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """Hold the code inside to: no change of model, clips or random state, and no print."""
    state = {key: value.clone() for key, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    kept, generators = clips.clone(), _random_state()
    gradients = [torch.full_like(p, 0.5) for p in model.parameters()]
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        parameter.grad = gradient
    capsys.readouterr()
    yield
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""
    assert torch.equal(clips, kept)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert [module.training for module in model.modules()] == modes
    assert all(p.requires_grad for p in model.parameters())
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        assert parameter.grad is gradient
        assert bool((gradient == 0.5).all())
    assert _random_state() == generators


def _random_state() -> list[object]:
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002
    return [torch.random.get_rng_state().tolist(), str(numpy_state), random.getstate()]


def keeps_its_bound(attack: ForeignAttack, clips: Tensor, adversarial: Tensor) -> bool:
    """Tell whether a result is in the pixel range and within the budget of its norm."""
    assert adversarial.shape == clips.shape
    assert adversarial.dtype == torch.float32
    assert adversarial.min() >= 0
    assert adversarial.max() <= 1
    delta, eps = (adversarial - clips).flatten(1).double(), attack.eps
    if attack.recipe.norm == "none" or eps is None:
        return True
    order = {"Linf": torch.inf, "L2": 2}[attack.recipe.norm]
    return bool(torch.linalg.vector_norm(delta, order, dim=1).max() <= eps + 1e-6)


def certain_case(norm: str, count: int = 4) -> tuple[VideoClassifier, Tensor, Tensor, float]:
    """A linear model, clips, labels, and thrice the budget that the worst-case attack needs."""
    model = LinearClipModel(SHAPE, CLASSES)
    clips, _ = random_clips(count, SHAPE)
    # Far from 0 and 1, so that the pixel range does not bind.
    clips = 0.4 + 0.2 * clips
    logits = model(clips).detach()
    labels = logits.argmax(1)
    margins = logits.gather(1, labels[:, None]) - logits
    # Dual norms: the margin to a rival falls by at most eps ||w_y - w_k||_q.
    slope = (model.weight[labels][:, None] - model.weight).detach()
    needed = margins / torch.linalg.vector_norm(slope, 2 if norm == "L2" else 1, dim=2)
    needed.scatter_(1, labels[:, None], torch.inf)
    return VideoClassifier(model), clips, labels, 3 * float(needed.amin(1).max())
