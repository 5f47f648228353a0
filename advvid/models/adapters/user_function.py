"""package.module:function: a model that the user builds."""

import importlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from advvid.errors import InputError
from advvid.models.heads import find_head_by_asking, head_width
from advvid.models.request import ModelRequest
from advvid.models.video_model import VideoModel


def build_from_function(request: ModelRequest) -> VideoModel:
    """Import a function, the current folder included, call it, and take the module it returns.

    `num_classes` and `frames` are passed where they are asked for and the function has parameters
    of these names. The module takes clips (B, 3, T, H, W) in [0, 1] and gives logits (B, K); a
    `VideoModel` is kept as it is.

    Raises:
        InputError: when there is no such function, it fails, or it returns something else.
    """
    with _current_folder_importable():
        function = _find(request.spec)
        arguments = _arguments(function, request)
        try:
            model = function(**arguments)
        except (Exception, SystemExit) as error:
            raise InputError(f"{request.spec} failed: {_describe(error)}") from error
    if isinstance(model, VideoModel):
        return model
    if not isinstance(model, nn.Module):
        raise InputError(
            f"{request.spec} must return a torch.nn.Module that takes clips (B, 3, T, H, W); got "
            f"{type(model).__name__}"
        )
    shapes = [(request.frames or 8, request.size or 32), (request.frames or 16, 112)]
    known = getattr(model, "input_shape", None)
    if known is not None and len(known) == 4:
        shapes.insert(0, (int(known[1]), int(known[2])))
    head, width = find_head_by_asking(model, shapes)
    told = "num_classes" in arguments
    if told and head is not None and head_width(model, head) != request.num_classes:
        # The function knows better where the logits come from than the guess does.
        head = None
    shape = None
    if request.frames is not None and request.size is not None:
        shape = request.input_shape(request.frames, request.size)
    return VideoModel(
        model,
        spec=request.spec,
        num_classes=request.num_classes if told else width,
        input_shape=shape,
        head=head,
        weights=request.spec,
    )


def _find(spec: str) -> Any:
    module_name, _, function_name = spec.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"cannot import {module_name!r} of {spec}: {error}; run from the folder that holds "
            "it, or install it"
        ) from error
    except (Exception, SystemExit) as error:
        raise InputError(f"importing {module_name} failed: {_describe(error)}") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise InputError(f"{module_name} has no function {function_name!r}: check the name")
    return function


def _arguments(function: Any, request: ModelRequest) -> dict[str, int]:
    parameters = inspect.signature(function).parameters
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    wishes = {"num_classes": request.num_classes, "frames": request.frames}
    return {
        name: value
        for name, value in wishes.items()
        if value is not None and (takes_all or name in parameters)
    }


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    """Look in the current folder too, as `python -m` does; the installed command does not."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _describe(error: BaseException) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
