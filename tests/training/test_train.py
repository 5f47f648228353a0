import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advvid.training import train
from advvid.training.settings import TrainSettings
from advvid.training.step import clean_step
from advvid.training.task import StepContext
from tests.training.stand_ins import TinyNet, ToyClips, same

QUICK = TrainSettings(epochs=2, batch_size=6, lr=0.01)


def trained(settings: TrainSettings = QUICK, **options: Any) -> dict[str, Tensor]:
    model = options.pop("model", None) or TinyNet()
    train(model, ToyClips(18), settings=settings, device="cpu", **options)
    weights: dict[str, Tensor] = model.state_dict()
    return weights


def test_learns_what_can_be_learned() -> None:
    settings = replace(QUICK, epochs=6)
    history = train(TinyNet(), ToyClips(60), ToyClips(30), settings=settings, device="cpu")
    assert [record.epoch for record in history.epochs] == [1, 2, 3, 4, 5, 6]
    assert history.epochs[-1].train_loss < 0.8 * history.epochs[0].train_loss
    assert history.epochs[-1].val_top1 == 1.0
    assert history.epochs[-1].val_loss is not None
    assert history.epochs[-1].val_loss < 0.7


def test_validation_numbers_are_those_of_the_model() -> None:
    model, data = TinyNet(), ToyClips(15)
    settings = replace(QUICK, label_smoothing=0.3)
    history = train(model, ToyClips(18), data, settings=settings, device="cpu")
    clips = torch.stack([data.clip(i)[0] for i in range(15)]).float() / 255
    labels = torch.from_numpy(data.labels)
    logits = model.eval()(clips)
    last = history.epochs[-1]
    assert last.val_loss == pytest.approx(nn.CrossEntropyLoss()(logits, labels).item(), abs=1e-6)
    assert last.val_top1 == (logits.argmax(1) == labels).double().mean().item()


def test_one_step_of_sgd_by_hand() -> None:
    """One batch of all clips, no dropout: the update is a plain gradient step."""
    model = TinyNet(dropout=0)
    reference = TinyNet(dropout=0).train()
    seen: list[tuple[Tensor, Tensor]] = []

    def step(
        model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        seen.append((clips, labels))
        return clean_step(model, clips, labels, context)

    settings = TrainSettings(
        epochs=1,
        batch_size=18,
        optimizer="sgd",
        schedule="constant",
        lr=0.5,
        weight_decay=0.0,
        label_smoothing=0.1,
    )
    train(model, ToyClips(18), settings=settings, step=step, device="cpu")
    ((clips, labels),) = seen
    assert clips.dtype == torch.float32
    assert 0 <= clips.min() <= clips.max() <= 1
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)(reference(clips), labels)
    loss.backward()
    for (name, new), old in zip(model.named_parameters(), reference.parameters(), strict=True):
        assert old.grad is not None
        torch.testing.assert_close(new, old - 0.5 * old.grad, msg=name)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 3},
        {"batch_size": 9},
        {"optimizer": "sgd"},
        {"lr": 0.02},
        {"weight_decay": 0.5},
        {"schedule": "constant"},
        {"warmup_epochs": 1.0},
        {"label_smoothing": 0.2},
        {"grad_clip": 0.01},
        {"head_lr": 5.0},
        {"batch_norm": "eval"},
        {"bn_momentum": 0.5},
        {"precision": "bf16"},
        {"seed": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_does_something(change: dict[str, Any]) -> None:
    assert not same(trained(), trained(replace(QUICK, **change)))


def test_settings_of_speed_change_nothing() -> None:
    assert same(trained(), trained(replace(QUICK, workers=2)))


def test_gradient_clipping_bounds_the_step() -> None:
    before = TinyNet().state_dict()
    settings = TrainSettings(
        epochs=1,
        batch_size=18,
        optimizer="sgd",
        schedule="constant",
        lr=1.0,
        weight_decay=0.0,
        grad_clip=1e-3,
    )
    after = trained(settings)
    moved = [(after[name] - before[name]).norm() for name, _ in TinyNet().named_parameters()]
    assert torch.stack(moved).norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_batch_norm_eval_keeps_the_statistics() -> None:
    fresh = TinyNet().state_dict()
    kept = trained(replace(QUICK, batch_norm="eval"))
    moved = trained()
    for name in ("norm.running_mean", "norm.running_var", "norm.num_batches_tracked"):
        assert torch.equal(kept[name], fresh[name])
        assert not torch.equal(moved[name], fresh[name])
    assert not torch.equal(kept["norm.weight"], fresh["norm.weight"])


def test_batch_norm_momentum_is_that_of_the_run_and_comes_back() -> None:
    model, seen = TinyNet(), []

    def step(
        model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        seen.append(context.bare.conv(clips - 0.4).mean((0, 2, 3, 4)))  # type: ignore[operator]
        return clean_step(model, clips, labels, context)

    trained(replace(QUICK, bn_momentum=1.0), model=model, step=step)
    assert isinstance(model.norm, nn.BatchNorm3d)
    assert model.norm.momentum == 0.1
    # With a weight of 1 the statistics are those of the last batch.
    assert model.norm.running_mean is not None
    torch.testing.assert_close(model.norm.running_mean, seen[-1].detach())


def test_mode_freezing_and_random_state_come_back() -> None:
    model = TinyNet().train()
    model.norm.eval()
    model.conv.requires_grad_(False)
    frozen = model.conv.weight.clone()
    state = torch.get_rng_state()
    trained(model=model)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in (model, model.norm, model.conv)] == [True, False, True]
    assert not model.conv.weight.requires_grad
    assert model.fc.weight.requires_grad
    assert model.fc.weight.grad is None
    assert torch.equal(model.conv.weight, frozen)


def test_dropout_does_not_depend_on_the_random_state_of_the_caller() -> None:
    torch.manual_seed(1)
    first = trained()
    torch.manual_seed(2)
    assert same(first, trained())


def test_step_hears_where_it_is() -> None:
    heard: list[StepContext] = []

    def step(
        model: nn.Module, clips: Tensor, labels: Tensor, context: StepContext
    ) -> tuple[Tensor, Tensor]:
        heard.append(context)
        return clean_step(model, clips, labels, context)

    model = TinyNet()
    trained(model=model, step=step)
    assert [(c.epoch, c.iteration, c.total) for c in heard] == [
        (0, 0, 6),
        (0, 1, 6),
        (0, 2, 6),
        (1, 3, 6),
        (1, 4, 6),
        (1, 5, 6),
    ]
    assert len({context.seed for context in heard}) == 6
    assert all(context.bare is model for context in heard)


def test_a_library_call_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    trained(replace(QUICK, precision="bf16"))
    assert capfd.readouterr() == ("", "")


def test_progress_shows_epoch_loss_and_accuracy(capfd: pytest.CaptureFixture[str]) -> None:
    history = train(
        TinyNet(), ToyClips(18), ToyClips(6), settings=QUICK, device="cpu", progress=True
    )
    shown = capfd.readouterr().err
    for record in history.epochs:
        assert record.val_loss is not None
        assert f"epoch {record.epoch}/2" in shown
        assert f"train loss {record.train_loss:.3f} top-1 {record.train_top1:.3f}" in shown
        assert f"val loss {record.val_loss:.3f}" in shown


def test_config_says_what_the_run_was(tmp_path: Path) -> None:
    out = tmp_path / "run"
    trained(out=out, config={"weights": "imagenet"})
    config = json.loads((out / "config.json").read_text())
    assert config["settings"]["lr"] == 0.01
    assert config["settings"]["weights"] == "imagenet"
    assert config["settings"]["device"] == "cpu"
    assert "torch" in config["versions"]
