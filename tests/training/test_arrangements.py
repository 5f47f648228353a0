"""Ways to compute the same run: in parts, with activations computed again, channels last."""

import shutil
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import advvid
from advvid.defenses import AdversarialStep, TrainingAttack
from advvid.errors import InputError
from advvid.training import History, TrainSettings, train
from tests.training.stand_ins import TinyNet, ToyClips

STEP = AdversarialStep(TrainingAttack(max_iter=2, random_start=True), 0.02)


def trained(model: nn.Module | None = None, **changes: Any) -> tuple[nn.Module, History]:
    settings = TrainSettings(**{"epochs": 2, "batch_size": 6, "lr": 0.01, **changes})
    model = model or TinyNet(batch_norm=False, dropout=0)
    data = ToyClips(15)
    return model, train(model, data, data, settings=settings, step=STEP, device="cpu")


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def close(first: nn.Module, second: nn.Module, tolerance: float = 1e-5) -> None:
    # Training moves the weights by up to 0.025, so rounding may take a thousandth of that at most.
    for name, value in first.state_dict().items():
        torch.testing.assert_close(
            second.state_dict()[name], value, rtol=tolerance, atol=tolerance, msg=name
        )


def test_parts_of_a_batch_are_the_batch() -> None:
    whole, history = trained()
    for parts in (2, 4, 9):
        model, again = trained(accumulate=parts)
        close(whole, model)
        for ours, theirs in zip(history.epochs, again.epochs, strict=True):
            assert theirs.train_loss == pytest.approx(ours.train_loss, rel=1e-6)


def test_channels_last_changes_nothing_but_rounding() -> None:
    plain, _ = trained()
    model, _ = trained(channels_last=True)
    close(plain, model)
    assert all(p.is_contiguous() for p in model.parameters())


def test_activations_computed_again_change_nothing() -> None:
    def network() -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return advvid.load_model("motions-r3d", weights="none", num_classes=3, frames=2, size=8)

    plain, _ = trained(network())
    model, _ = trained(network(), grad_checkpointing=True)
    close(plain, model, 0)
    assert not any("forward" in vars(module) for module in model.modules())
    with pytest.raises(InputError, match="block"):
        trained(grad_checkpointing=True)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_model_trains_alike() -> None:
    plain, _ = trained()
    model, _ = trained(compile=True)
    close(plain, model, 1e-3)


def test_milestones() -> None:
    with pytest.raises(InputError, match="milestones"):
        TrainSettings(schedule="step", milestones=(0.5, 1.0))
    with pytest.raises(InputError, match="schedule step"):
        TrainSettings(milestones=(0.7,))
    for change in ({"ema": 1.0}, {"patience": 0}, {"accumulate": 0}, {"compile": 1}):
        with pytest.raises(InputError, match=next(iter(change))):
            TrainSettings(**change)


def test_bf16_trains_and_is_refused_where_torch_is_wrong() -> None:
    model, history = trained(precision="bf16")
    assert all(bool(torch.isfinite(value).all()) for value in model.state_dict().values())
    plain, _ = trained()
    close(plain, model, 0.006)
    assert history.epochs[-1].train_loss > 0
    with pytest.raises(InputError, match="float32 only"):
        trained(precision="bf16", channels_last=True)
