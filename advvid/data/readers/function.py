"""`package.module:function`: clips that somebody's function gives."""

import importlib.util
import inspect
from typing import Any

from advvid.data.clip_dataset import ClipDataset
from advvid.data.options import DatasetEntry, DatasetOptions
from advvid.data.torch_dataset import TorchDataset
from advvid.data.wrapping import as_dataset
from advvid.errors import InputError
from advvid.methods.imported import (
    current_folder_importable,
    describe_error,
    import_member,
    is_stranger,
)
from advvid.methods.setting import settings_of

_ALWAYS = ("split", "seed", "on_bad_video")
"""Options that every command sets."""
_SHAPE = ("frames", "size")


def names_function(spec: str) -> bool:
    """Tell whether a spec is of the form "package.module:function" and its module is there."""
    module, _, member = spec.partition(":")
    if not member.isidentifier() or not all(map(str.isidentifier, module.split("."))):
        return False
    if is_stranger(spec):
        return True
    with current_folder_importable():
        return importlib.util.find_spec(module) is not None


def build_from_function(spec: str, options: DatasetOptions) -> ClipDataset:
    """Import a function or class, the current folder included, call it, and take what it returns.

    It is given those of the options that it has parameters for (split, frames, size, seed, fold,
    ...), frames and size where they are known. Without a parameter `split` its clips are for
    testing.

    Raises:
        InputError: when there is no such function, it fails, it returns something else, or an
            option means nothing for it.
    """
    with current_folder_importable():
        function = import_member(spec)
        arguments = _arguments(spec, function, options)
        try:
            made = function(**arguments)
        except InputError:
            raise
        except (Exception, SystemExit) as error:
            raise InputError(f"{spec} failed: {describe_error(error)}") from error
        try:
            dataset = as_dataset(made)
        except InputError as error:
            raise InputError(f"{spec} returned what cannot be used: {error}") from error
    if isinstance(dataset, TorchDataset):
        dataset.name = spec
        dataset.on_bad_video = options.on_bad_video
    return dataset


def _arguments(spec: str, function: Any, options: DatasetOptions) -> dict[str, Any]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise InputError(f"{spec} is nothing that can be called with options: {error}") from error
    every = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)
    positional = inspect.Parameter.POSITIONAL_ONLY
    taken = {one.name for one in parameters if one.kind is not positional}
    arguments = {}
    for name, setting in settings_of(DatasetOptions).items():
        value = getattr(options, name)
        changed = value != setting.default
        if name in taken or every:
            if changed or name in _ALWAYS:
                arguments[name] = value
        elif name == "split" and value in ("train", "val"):
            raise InputError(
                f"{spec} has no parameter split, so that training and test clips would be the "
                "same: write it as a function of split, which is train, val, test or all"
            )
        elif changed and name not in (*_ALWAYS, *_SHAPE):
            raise InputError(f"{name} {value} means nothing for {spec}: leave it out")
    return arguments


FUNCTION = DatasetEntry(
    build_from_function,
    "package.module:function",
    "yours: it returns a ClipDataset, a torch Dataset of (clip, label) or a DataLoader",
    unused=(),
)
"""For the listing; a function is found by its name."""
