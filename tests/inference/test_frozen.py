import pytest
import torch
from torch import nn

from advvid.inference.frozen import frozen
from tests.clip_models import random_clips, small_model


def test_mixed_modes_and_requires_grad_come_back_even_after_an_error() -> None:
    model = small_model().train()
    norm = next(m for m in model.modules() if isinstance(m, nn.BatchNorm3d))
    norm.eval()
    next(model.parameters()).requires_grad_(False)
    modes = [m.training for m in model.modules()]
    grads = [p.requires_grad for p in model.parameters()]

    def fail_inside() -> None:
        with frozen(model):
            assert not any(m.training for m in model.modules())
            assert not any(p.requires_grad for p in model.parameters())
            raise KeyError

    with pytest.raises(KeyError):
        fail_inside()
    assert [m.training for m in model.modules()] == modes
    assert [p.requires_grad for p in model.parameters()] == grads


def test_training_mode_moves_no_statistics() -> None:
    model = small_model().eval()
    clips, _ = random_clips()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with frozen(model, training=True):
        assert model.training
        model(clips)
        assert any(not torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert not model.training


def test_a_function_has_nothing_to_freeze() -> None:
    clips, _ = random_clips()
    with frozen(torch.neg):
        assert torch.equal(torch.neg(clips), -clips)
