import copy
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import nn

from advvid.errors import InputError
from advvid.training.measuring.best_weights import holding
from advvid.training.weight_average import WeightAverage
from tests.training.stand_ins import TinyNet, same


def move(model: nn.Module, value: float) -> None:
    """Give all weights and statistics one value."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.fill_(value)


def test_average_is_the_closed_form() -> None:
    model = TinyNet()
    move(model, 1)
    average = WeightAverage(model, decay=0.2)
    for value in (3, 5, 7):
        move(model, value)
        average.update()
    # d is 1/10, then 2/11, then 3/12 cut to 0.2.
    first = 0.1 * 1 + 0.9 * 3
    second = 2 / 11 * first + 9 / 11 * 5
    expected = 0.2 * second + 0.8 * 7
    assert average.updates == 3
    for name, tensor in average.average.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, torch.full_like(tensor, expected), msg=name)
        else:
            assert tensor == 7, name
    assert {"norm.running_var", "norm.num_batches_tracked"} < average.average.keys()


def test_the_model_is_left_alone() -> None:
    model = TinyNet()
    before = copy.deepcopy(model.state_dict())
    average = WeightAverage(model, decay=0.9)
    average.update()
    assert same(model.state_dict(), before)
    move(model, 2)
    assert same(average.average, before)


def test_a_resumed_average_goes_on_as_if_unbroken(tmp_path: Path) -> None:
    model = TinyNet()
    unbroken = WeightAverage(model, decay=0.9)
    for value in (3, 5):
        move(model, value)
        unbroken.update()
    torch.save(unbroken.state_dict(), tmp_path / "average.pt")
    resumed = WeightAverage(model, decay=0.9)
    resumed.load_state_dict(torch.load(tmp_path / "average.pt", weights_only=True))
    move(model, 7)
    unbroken.update()
    resumed.update()
    assert same(unbroken.average, resumed.average)
    assert resumed.updates == unbroken.updates == 3


def test_swapping_is_undone_bit_for_bit() -> None:
    model = TinyNet()
    average = WeightAverage(model, decay=0.9)
    start = copy.deepcopy(model.state_dict())
    move(model, 0.1)
    trained = copy.deepcopy(model.state_dict())
    parameters = list(model.parameters())
    with suppress(KeyboardInterrupt), holding(model, average.average):
        assert same(model.state_dict(), start)
        move(model, 9)  # not even what happens inside comes out
        raise KeyboardInterrupt
    assert same(model.state_dict(), trained)
    assert same(average.average, start)
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))


def test_half_precision_is_averaged_in_single() -> None:
    model = nn.Linear(2, 2).bfloat16()
    move(model, 1)
    average = WeightAverage(model, decay=0.9999)
    average.updates = 10**6
    move(model, 2)
    average.update()
    torch.testing.assert_close(average.average["bias"], torch.full((2,), 1.0001))
    with holding(model, average.average):
        assert model.bias.dtype == torch.bfloat16


@pytest.mark.parametrize("decay", [0, 1, -0.5, 1.5, float("nan")])
def test_a_decay_out_of_range_is_refused(decay: float) -> None:
    with pytest.raises(InputError, match=r"must be in \(0, 1\); got"):
        WeightAverage(TinyNet(), decay)


def test_the_average_of_another_model_is_refused() -> None:
    state = WeightAverage(TinyNet(num_classes=4), 0.9).state_dict()
    with pytest.raises(InputError, match="of another model"):
        WeightAverage(TinyNet(num_classes=3), 0.9).load_state_dict(state)
