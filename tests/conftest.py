"""What holds for all tests, the notebooks included."""

import pytest
import torch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the notebooks as slow, which cannot say so themselves; leave out what needs a GPU."""
    no_gpu = pytest.mark.skip(reason="needs a CUDA device")
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(no_gpu)
