"""All data sets by name."""

import os
from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, ParamSpec, Protocol

from advvid.data.clip_dataset import ClipDataset
from advvid.data.joined import JoinedDataset
from advvid.data.motions.dataset import MOTIONS
from advvid.data.options import DatasetEntry, DatasetOptions
from advvid.data.readers.csv_file import CSV
from advvid.data.readers.folder import FOLDER, SINGLE_VIDEO
from advvid.data.readers.function import FUNCTION, names_function
from advvid.data.readers.ucf11 import UCF11
from advvid.data.readers.ucf101 import UCF101
from advvid.data.readers.video_files import is_video_name
from advvid.errors import InputError
from advvid.methods import Registry, settings_of
from advvid.methods.arguments import check_argument
from advvid.methods.paths import is_there
from advvid.methods.suggestion import did_you_mean

DATASETS: Registry[DatasetEntry] = Registry(
    "data set",
    {"motions": MOTIONS, "folder": FOLDER, "csv": CSV, "ucf11": UCF11, "ucf101": UCF101},
)
Options = ParamSpec("Options")


class _LoadDataset(Protocol[Options]):
    def __call__(
        self, spec: str | Sequence[str] = "motions", *args: Options.args, **options: Options.kwargs
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
def load_dataset(spec: str | Sequence[str] = "motions", **options: Any) -> ClipDataset:
    """Build a data set from its spec; no video is opened yet.

    Args:
        spec: "motions", "motions:N" (N training clips), "folder:DIR", "csv:FILE", "ucf11:DIR",
            "ucf101:DIR", "package.module:function", or a video file (its label is -1, unknown). Of
            several the clips are joined; classes of one name are one class.
        options: fields of `advvid.data.DatasetOptions`, which explains them.

    Raises:
        InputError: unknown spec, missing or empty folder, option out of range or without meaning
            for this data set.
    """
    check_argument("spec", spec, str | Sequence[str])
    asked = read_options(**options)
    specs = [spec] if isinstance(spec, str) else list(spec)
    if not specs:
        raise InputError("no data set given: hand in a spec, such as motions")
    parts = [_load_one(one, asked) for one in specs]
    return parts[0] if len(parts) == 1 else JoinedDataset(parts)


def read_options(**options: Any) -> DatasetOptions:
    """Check options of `load_dataset`, before anything is loaded.

    Raises:
        InputError: for an option that there is not, or one out of range.
    """
    known = settings_of(DatasetOptions)
    for name in options:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise InputError(f"data sets have no option {name!r}; {hint}")
    return DatasetOptions(**options)


def is_video_file(spec: str) -> bool:
    """Tell whether a spec is that of a single video file."""
    known = spec.partition(":")[0] in DATASETS
    return not known and is_there(spec) and Path(spec).expanduser().is_file()


def _load_one(spec: str, asked: DatasetOptions) -> ClipDataset:
    name, _, argument = spec.partition(":")
    if name in DATASETS:
        return DATASETS[name].build(argument, asked)
    if not spec:
        raise InputError(f"unknown data set ''; there are {', '.join(DATASETS)}, or a video file")
    if is_video_file(spec):
        return SINGLE_VIDEO.build(str(Path(spec).expanduser()), asked)
    if names_function(spec):
        return FUNCTION.build(spec, asked)
    if is_there(spec):
        raise InputError(f"{spec} is a folder: say what it holds, such as folder:{spec}")
    if is_video_name(spec) or os.sep in name:
        raise InputError(f"no such file: {spec}")
    return DATASETS.find(name).build(argument, asked)


def list_datasets() -> list[DatasetEntry]:
    """Every data set that `load_dataset` can build."""
    return [*DATASETS.values(), FUNCTION, SINGLE_VIDEO]
