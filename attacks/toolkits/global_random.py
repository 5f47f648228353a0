"""Seeds for other people's code, which draws from the global random generators."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_RandomState = np.random.RandomState


class _AsRandomState(type):
    """Takes every `RandomState` for one of its own, those made before it took the name as well."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _RandomState)


class _SeededState(_RandomState, metaclass=_AsRandomState):
    """A `RandomState` that, without a seed, takes one from the global generator."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(np.random.randint(2**32, dtype=np.uint64) if seed is None else seed)  # noqa: NPY002


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Seed the global generators of torch, numpy and Python, and restore them on the way out.

    ART's decision-based attacks draw their starts from `np.random.RandomState()`, which the system
    seeds anew each time; inside, such generators are seeded from the global one, so that the same
    seed gives the same start.

    Args:
        seed: any whole number.
    """
    state_class = np.random.RandomState
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        try:
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002 (it is the one that others draw from)
            random.seed(seed)
            np.random.RandomState = _SeededState  # type: ignore[misc]
            yield
        finally:
            np.random.RandomState = state_class  # type: ignore[misc]
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(python_state)
