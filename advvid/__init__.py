"""Adversarial robustness of video classifiers."""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advvid.data import load_dataset
    from advvid.errors import InputError
    from advvid.estimator import VideoClassifier
    from advvid.evaluation import evaluate
    from advvid.models import load_model
    from advvid.step_size import sweep_step_size
    from advvid.training import train

__version__: str

__all__ = [
    "InputError",
    "VideoClassifier",
    "__version__",
    "evaluate",
    "load_dataset",
    "load_model",
    "sweep_step_size",
    "train",
]

_HOMES = {
    "InputError": "advvid.errors",
    "VideoClassifier": "advvid.estimator",
    "evaluate": "advvid.evaluation",
    "load_dataset": "advvid.data",
    "load_model": "advvid.models",
    "sweep_step_size": "advvid.step_size",
    "train": "advvid.training",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # Of what is installed: setup.cfg is the one place where the number is written.
        return version("advvid")
    # torch and ART take seconds to import; `advvid --help` and submodules should not wait for both.
    if name not in _HOMES:
        raise AttributeError(f"module 'advvid' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
