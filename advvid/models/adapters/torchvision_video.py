"""torchvision/NAME: the video models of torchvision."""

from typing import Any

from advvid.errors import InputError, first_line, shown
from advvid.methods.suggestion import did_you_mean
from advvid.models.heads import find_head, head_width
from advvid.models.request import ModelRequest
from advvid.models.video_model import VideoModel

NAMES = (
    *("r3d_18", "mc3_18", "r2plus1d_18", "s3d", "mvit_v1_b", "mvit_v2_s"),
    *("swin3d_t", "swin3d_s", "swin3d_b"),
)
_FRAMES = 16


def build_torchvision(request: ModelRequest) -> VideoModel:
    """Build a video model of torchvision by name, for 16 frames by default.

    Height, width, mean and std are those that its default weights were evaluated with.

    Raises:
        InputError: torchvision does not import, unknown model or weights, a shape that the model
            cannot take, or a failed download.
    """
    models = _import_models()
    names = models.list_models(module=models.video)
    if request.name not in names:
        hint = did_you_mean(request.name, names) or f"there are {', '.join(names)}"
        raise InputError(f"torchvision has no video model {shown(request.name)}; {hint}")
    choices = models.get_model_weights(request.name)
    chosen = None if request.weights is None else _choose(choices, request)
    published = chosen or choices.DEFAULT
    preset, meta = published.transforms(), published.meta
    shape = request.input_shape(_FRAMES, preset.crop_size[0])
    # Their attention has positions for exactly one shape.
    rigid = request.name.startswith("mvit")
    least = (3, meta.get("min_temporal_size", 1), *meta["min_size"])
    if shape != least if rigid else _smaller(shape, least):
        raise InputError(
            f"{request.spec} takes clips of {'' if rigid else 'at least '}{_show(least)}; got "
            f"{_show(shape)}: leave out frames and size, or choose another model"
        )
    network = _create(models, request, chosen)
    head = find_head(network)
    return VideoModel(
        network,
        spec=request.spec,
        num_classes=None if head is None else head_width(network, head),
        input_shape=shape,
        classes=tuple(meta["categories"]) if chosen else None,
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        head=head,
        fixed=(1, 2, 3) if rigid else (),
        weights=request.weights,
    )


def _import_models() -> Any:
    try:
        from torchvision import models
    except (ImportError, RuntimeError, OSError) as error:
        # A torchvision of another build than torch's fails while registering its operators.
        raise InputError(
            f"torchvision cannot be imported ({first_line(error)}): pip install the "
            "torchvision that belongs to your torch, or choose another model"
        ) from error
    return models


def _choose(choices: Any, request: ModelRequest) -> Any:
    name = str(request.weights)
    if name.upper() not in choices.__members__:
        raise InputError(
            f"{request.spec} has the weights {', '.join(choices.__members__)} (and none, or a "
            f"file); got {name!r}"
        )
    return choices[name.upper()]


def _create(models: Any, request: ModelRequest, weights: Any) -> Any:
    try:
        return models.get_model(request.name, weights=weights)
    except (OSError, RuntimeError) as error:
        if weights is None:
            raise
        raise InputError(
            f"cannot download {weights.url} ({first_line(error)}): fetch it elsewhere "
            "and pass `weights=FILE`"
        ) from error


def _smaller(shape: tuple[int, ...], least: tuple[int, ...]) -> bool:
    return any(got < need for got, need in zip(shape, least, strict=True))


def _show(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape[1:]))
