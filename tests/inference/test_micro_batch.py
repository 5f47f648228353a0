import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from advvid.inference.micro_batch import MicroBatcher, default_micro_batch


@given(count=st.integers(1, 30), size=st.integers(1, 40))
def test_any_size_gives_the_same(count: int, size: int) -> None:
    x = torch.arange(float(count))
    doubled, squared = MicroBatcher(size).run(lambda a, b: (2 * a, a * b), x, x)
    assert torch.equal(doubled, 2 * x)
    assert torch.equal(squared, x * x)


def test_memory_that_runs_out_halves_the_micro_batch_and_loses_nothing() -> None:
    sizes: list[int] = []

    def hungry(x: Tensor) -> tuple[Tensor]:
        sizes.append(len(x))
        if len(x) > 3:
            raise torch.OutOfMemoryError
        return (x + 1,)

    batcher = MicroBatcher(16)
    (result,) = batcher.run(hungry, torch.arange(10))
    assert torch.equal(result, torch.arange(10) + 1)
    assert sizes == [10, 5, 2, 2, 2, 2, 2]
    assert batcher.size == 2


def test_one_clip_that_does_not_fit_is_an_error() -> None:
    def starved(x: Tensor) -> tuple[Tensor]:
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        MicroBatcher(4).run(starved, torch.arange(4))


def test_default_shrinks_with_the_clip_and_is_never_zero() -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    small, large = (3, 8, 32, 32), (3, 16, 224, 224)
    assert default_micro_batch(small, cpu) > default_micro_batch(large, cpu) >= 1
    assert default_micro_batch(large, cuda) > default_micro_batch(large, cpu)
