"""package.module:function: a model that the user builds."""

import inspect
from typing import Any

from torch import nn

from advvid.errors import InputError
from advvid.methods.imported import current_folder_importable, describe_error, import_member
from advvid.models.heads import find_head_by_running, head_width
from advvid.models.request import ModelRequest
from advvid.models.video_model import VideoModel


def build_from_function(request: ModelRequest) -> VideoModel:
    """Import a function, the current folder included, call it, and take the module it returns.

    `num_classes` and `frames` are passed where they are given and the function has parameters
    of these names. The module takes clips in [0, 1] or normalized, (B, 3, T, H, W) or in the layout
    that is asked for, and gives logits (B, K); a `VideoModel` is kept as it is.

    Raises:
        InputError: when there is no such function, it fails, or it returns something else.
    """
    with current_folder_importable():
        function = import_member(request.spec)
        arguments = _arguments(function, request)
        try:
            model = function(**arguments)
        except (Exception, SystemExit) as error:
            raise InputError(f"{request.spec} failed: {describe_error(error)}") from error
    if isinstance(model, VideoModel):
        if request.layout not in (None, model.layout):
            raise InputError(
                f"{request.spec} gives a VideoModel, whose layout is {model.layout}: leave it out, "
                "or change it there"
            )
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
    layout = request.layout or "NCTHW"
    head, width = find_head_by_running(model, shapes, layout=layout)
    passed = "num_classes" in arguments
    if passed and head is not None and head_width(model, head) != request.num_classes:
        # The guessed layer does not give the logits.
        head = None
    shape = None
    if request.frames is not None and request.size is not None:
        shape = request.input_shape(request.frames, request.size)
    return VideoModel(
        model,
        spec=request.spec,
        num_classes=request.num_classes if passed else width,
        input_shape=shape,
        layout=layout,
        head=head,
        weights=request.spec,
    )


def _arguments(function: Any, request: ModelRequest) -> dict[str, int]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        # A builtin such as dict does not say what it takes.
        return {}
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    requested = {"num_classes": request.num_classes, "frames": request.frames}
    return {
        name: value
        for name, value in requested.items()
        if value is not None and (takes_all or name in parameters)
    }
