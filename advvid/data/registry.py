"""All data sets by name."""

import os
from collections.abc import Callable
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, ParamSpec, Protocol

from advvid.data.clip_dataset import ClipDataset
from advvid.data.motions.dataset import MOTIONS
from advvid.data.options import DatasetEntry, DatasetOptions
from advvid.data.readers.folder import FOLDER, SINGLE_VIDEO
from advvid.data.readers.ucf11 import UCF11
from advvid.data.readers.ucf101 import UCF101
from advvid.data.readers.video_files import is_video_name
from advvid.errors import InputError, shown
from advvid.methods import Registry, settings_of
from advvid.methods.arguments import check_argument
from advvid.methods.suggestion import did_you_mean

_LONGEST = 255  # bytes of a name; of a path more, but no data set lies that deep

DATASETS: Registry[DatasetEntry] = Registry(
    "data set", {"motions": MOTIONS, "folder": FOLDER, "ucf11": UCF11, "ucf101": UCF101}
)
Options = ParamSpec("Options")


class _LoadDataset(Protocol[Options]):
    def __call__(
        self, spec: str = "motions", *args: Options.args, **options: Options.kwargs
    ) -> ClipDataset: ...


def _taking(options: Callable[Options, DatasetOptions]) -> Callable[[Any], _LoadDataset[Options]]:
    """Show the fields of a dataclass as keyword arguments: to editors by type, and to `help`."""

    def show(function: Any) -> _LoadDataset[Options]:
        plain = signature(function)
        fields = [one.parameter(Parameter.KEYWORD_ONLY) for one in settings_of(options).values()]
        function.__signature__ = plain.replace(parameters=[plain.parameters["spec"], *fields])
        shown: _LoadDataset[Options] = function
        return shown

    return show


@_taking(DatasetOptions)
def load_dataset(spec: str = "motions", **options: Any) -> ClipDataset:
    """Build a data set from its spec; no video is opened yet.

    Args:
        spec: "motions", "motions:N" (N training clips), "folder:DIR", "ucf11:DIR", "ucf101:DIR",
            or a video file (its label is -1, unknown).
        options: fields of `advvid.data.DatasetOptions`, which explains them.

    Raises:
        InputError: unknown spec, missing or empty folder, option out of range or without meaning
            for this data set.
    """
    check_argument("spec", spec, str)
    known = settings_of(DatasetOptions)
    for name in options:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise InputError(f"data sets have no option {name!r}; {hint}")
    asked = DatasetOptions(**options)
    name, _, argument = spec.partition(":")
    if name in DATASETS:
        return DATASETS[name].build(argument, asked)
    if not spec:
        raise InputError(f"unknown data set ''; there are {', '.join(DATASETS)}, or a video file")
    if len(os.fsencode(spec)) > _LONGEST:
        # The system would refuse to look for a file of that name.
        raise InputError(f"unknown data set {shown(spec)}; there are {', '.join(DATASETS)}")
    path = Path(spec).expanduser()
    if path.is_file():
        return SINGLE_VIDEO.build(str(path), asked)
    if path.is_dir():
        raise InputError(f"{spec} is a folder: say what it holds, such as folder:{spec}")
    if is_video_name(spec) or os.sep in name:
        raise InputError(f"no such file: {spec}")
    return DATASETS.find(name).build(argument, asked)


def list_datasets() -> list[DatasetEntry]:
    """Every data set that `load_dataset` can build."""
    return [*DATASETS.values(), SINGLE_VIDEO]
