import math

import pytest
import torch
from torch import nn

from advvid.errors import InputError
from advvid.models import VideoModel
from advvid.training.optimization import (
    classifier_head,
    learning_rate_factor,
    make_optimizer,
    set_learning_rate,
)
from advvid.training.settings import TrainSettings
from tests.training.stand_ins import TinyNet


def _factors(**changes: object) -> list[float]:
    settings = TrainSettings(epochs=4, **changes)  # type: ignore[arg-type]
    return [learning_rate_factor(settings, iteration, 2) for iteration in range(8)]


def test_schedules_value_by_value() -> None:
    assert _factors(schedule="constant") == [1.0] * 8
    assert _factors(schedule="step") == [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]
    expected = [(1 + math.cos(math.pi * i / 8)) / 2 for i in range(8)]
    assert _factors(schedule="cosine") == pytest.approx(expected)


def test_warmup_rises_to_the_peak_before_the_schedule_starts() -> None:
    assert _factors(schedule="constant", warmup_epochs=2.0) == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]
    cosine = _factors(schedule="cosine", warmup_epochs=1.5)
    assert cosine[:4] == pytest.approx([1 / 3, 2 / 3, 1, 1])
    assert cosine[4:] == pytest.approx([(1 + math.cos(math.pi * i / 5)) / 2 for i in range(1, 5)])


def test_decay_spares_biases_and_normalization_and_the_head_has_its_rate() -> None:
    model = TinyNet()
    settings = TrainSettings(lr=0.1, weight_decay=0.3, head_lr=10)
    optimizer = make_optimizer(model, settings, num_classes=3)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = {
        names[id(p)]: (group["peak_lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for p in group["params"]
    }
    assert groups == {
        "conv.weight": (0.1, 0.3),
        "conv.bias": (0.1, 0.0),
        "norm.weight": (0.1, 0.0),
        "norm.bias": (0.1, 0.0),
        "fc.weight": (1.0, 0.3),
        "fc.bias": (1.0, 0.0),
    }
    set_learning_rate(optimizer, 0.5)
    assert {group["lr"] for group in optimizer.param_groups} == {0.05, 0.5}


def test_kinds_of_optimizer() -> None:
    sgd = make_optimizer(TinyNet(), TrainSettings(optimizer="sgd"), num_classes=3)
    assert isinstance(sgd, torch.optim.SGD)
    assert sgd.param_groups[0]["momentum"] == 0.9
    adamw = make_optimizer(TinyNet(), TrainSettings(), num_classes=3)
    assert isinstance(adamw, torch.optim.AdamW)


def test_frozen_parameters_stay_out() -> None:
    model = TinyNet()
    model.conv.requires_grad_(False)
    optimizer = make_optimizer(model, TrainSettings(), num_classes=3)
    members = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert members == {id(p) for p in model.parameters() if p.requires_grad}
    with pytest.raises(InputError, match="nothing to train"):
        make_optimizer(model.requires_grad_(False), TrainSettings(), num_classes=3)


def test_head_is_the_last_layer_of_that_width() -> None:
    model = nn.Sequential(nn.Conv3d(3, 5, 1), nn.Flatten(), nn.Linear(8, 5), nn.ReLU())
    assert classifier_head(model, 5) is model[2]
    # The first layer is told to be the head, as where a model has a layer of the same width later.
    named = VideoModel(nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 5)), spec="test", head="0")
    assert classifier_head(named, 5) is named.backbone[0]  # type: ignore[index]
    with pytest.raises(InputError, match="7 outputs"):
        classifier_head(model, 7)
