"""What `advvid.train` takes beside data sets of advvid, and how it refuses everything else."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import advvid
from advvid.defenses import build_defense
from advvid.errors import InputError
from advvid.training import TrainSettings
from advvid.training.batches import default_settings
from tests.training.stand_ins import TinyNet, ToyClips, same

SETTINGS = TrainSettings(epochs=2, batch_size=4)
CLIPS = torch.stack([ToyClips(12).clip(index)[0] for index in range(12)])
PAIRS = TensorDataset(CLIPS, torch.arange(12) % 3)


def trained(data: Any, val_data: Any = None, **changes: Any) -> dict[str, torch.Tensor]:
    model = changes.pop("model", None) or TinyNet()
    given = {"settings": SETTINGS, "device": "cpu", **changes}
    history = advvid.train(model, data, val_data, **given)
    assert len(history.epochs) == SETTINGS.epochs
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_a_data_set_of_torch_and_a_loader_of_it_train_alike() -> None:
    by_dataset = trained(PAIRS, TensorDataset(CLIPS[:2] / 255, torch.tensor([0, 1])))
    by_loader = trained(DataLoader(PAIRS, batch_size=6, shuffle=True), DataLoader(PAIRS))
    assert same(by_dataset, by_loader)
    assert same(by_dataset, trained(TensorDataset(CLIPS / 255, PAIRS.tensors[1])))


def test_a_loader_says_how_it_is_read_where_no_settings_do() -> None:
    loader = DataLoader(PAIRS, batch_size=6, num_workers=1)
    assert default_settings(loader) == TrainSettings(batch_size=6, workers=1)
    assert default_settings(PAIRS) == TrainSettings()


def test_a_plain_module_and_a_defense_take_them_too() -> None:
    plain = nn.Sequential(nn.Flatten(), nn.Linear(3 * 2 * 8 * 8, 3))
    trained(PAIRS, model=plain)
    prepared = build_defense("fast:eps=4", DataLoader(PAIRS, batch_size=4))
    trained(prepared.data, task=prepared.task)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("data", one) for one in (CLIPS, (CLIPS, CLIPS), [CLIPS], "motions", None, 3, iter([1]))),
        *(("model", one) for one in (nn.Module, "r3d-18", lambda clips: clips, 3)),
        *(("val_data", one) for one in (3, "motions", CLIPS)),
        *(("settings", one) for one in ("fast", {"epochs": 1}, TrainSettings)),
        *(("out", 3), ("resume", "yes"), ("step", 3), ("task", "at"), ("robust", pow)),
        *(("optimizer", "sgd"), ("device", 3.5), ("devices", "2"), ("nodes", 1.5)),
        *(("progress", 2), ("config", 3)),
    ],
    ids=lambda value: str(value)[:20],
)
def test_everything_else_is_one_line(name: str, value: Any) -> None:
    given = {"model": TinyNet(), "data": PAIRS, "settings": SETTINGS, "device": "cpu", name: value}
    with pytest.raises(InputError):
        advvid.train(given.pop("model"), given.pop("data"), **given)
