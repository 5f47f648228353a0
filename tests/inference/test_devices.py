from typing import Any

import pytest
import torch

from advvid.errors import InputError
from advvid.inference.devices import resolve_device
from advvid.runs.fabric import launch_fabric


@pytest.mark.parametrize("device", ["cpu", "cpu:0", torch.device("cpu"), torch.device("cpu:0")])
def test_the_cpu_has_one_name(device: Any) -> None:
    assert resolve_device(device) == torch.device("cpu")


def test_a_run_takes_the_cpu_by_its_number() -> None:
    """Lightning refuses a device of the CPU that is numbered."""
    assert launch_fabric("cpu:0", precision="float32").device == torch.device("cpu")


@pytest.mark.parametrize(
    "device", ["cpu:7", "cuda:99", "meta", "gpu", "", "cpu:", "cpu:-1", "cuda:x", None, 1.5, []]
)
def test_what_is_not_there_is_one_line(device: Any) -> None:
    with pytest.raises(InputError, match="device") as caught:
        resolve_device(device)
    assert "\n" not in str(caught.value)
