"""tsm/NAME: a 2D backbone of timm with a temporal shift."""

from typing import Any

from torch import nn

from advvid.errors import InputError, first_line, shown
from advvid.methods.suggestion import did_you_mean
from advvid.models.architectures.temporal_shift import (
    SUPPORTED,
    call_on_frames,
    insert_temporal_shift,
)
from advvid.models.request import ModelRequest
from advvid.models.video_model import VideoModel


def build_tsm(request: ModelRequest) -> VideoModel:
    """Build a 2D backbone that shifts 1/8 of its channels each way in time.

    The frames of a clip go through it as images and their logits are averaged. Parameter names are
    timm's, so that image weights load. Normalization and size are those of timm's configuration.

    Raises:
        InputError: unknown backbone or weights, one without known residual blocks, or a failed
            download.

    Source: Lin, Gan and Han 2019, "TSM: Temporal Shift Module for Efficient Video Understanding".
    """
    timm = _import_timm()
    name = request.name
    if not timm.is_model(name):
        hint = did_you_mean(name, timm.list_models()) or "try tf_efficientnet_lite0"
        raise InputError(f"timm has no backbone {shown(name)}; {hint}")
    if request.weights not in (None, "imagenet"):
        raise InputError(
            f"tsm backbones take `weights=imagenet`, none or a file; got {shown(request.weights)}"
        )
    network = _create(timm, name, pretrained=request.weights == "imagenet")
    shape = request.input_shape(8, network.default_cfg["input_size"][-1])
    if not insert_temporal_shift(network, shape[1]):
        raise InputError(f"{name} has no residual block to shift in: choose {SUPPORTED}")
    return VideoModel(
        network,
        spec=request.spec,
        num_classes=network.num_classes,
        input_shape=shape,
        mean=network.default_cfg["mean"],
        std=network.default_cfg["std"],
        call=call_on_frames,
        head=network.default_cfg["classifier"],
        fixed=(1,),
        weights=request.weights,
    )


def _import_timm() -> Any:
    try:
        import timm
    except (ImportError, RuntimeError, OSError) as error:
        raise InputError(
            f"tsm backbones need timm, which cannot be imported ({error}): pip install timm "
            "torchvision, of the versions that belong to your torch"
        ) from error
    return timm


def _create(timm: Any, name: str, *, pretrained: bool) -> Any:
    """Let timm build a network; the network's attributes are not in its type."""
    try:
        network: nn.Module = timm.create_model(name, pretrained=pretrained)
    except Exception as error:
        # Hub clients fail in their own ways.
        if not pretrained:
            raise InputError(f"timm cannot build {name}: {first_line(error)}") from error
        raise InputError(
            f"cannot download the ImageNet weights of {name} ({type(error).__name__}): fetch them "
            "elsewhere and pass `weights=FILE` (.safetensors or .pth)"
        ) from error
    return network
