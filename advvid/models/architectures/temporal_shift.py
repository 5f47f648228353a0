"""Temporal shift: a 2D network that sees time, without one more parameter."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from advvid.errors import InputError, shown
from advvid.methods.arguments import checked

SHARE = 8
"""One channel of this many moves each way (Lin et al. 2019)."""

_FIRST_LAYERS = {
    ("timm.models.resnet", "BasicBlock"): "conv1",
    ("timm.models.resnet", "Bottleneck"): "conv1",
    ("timm.models.regnet", "Bottleneck"): "conv1",
    ("timm.models._efficientnet_blocks", "InvertedResidual"): "conv_pw",
    ("timm.models._efficientnet_blocks", "EdgeResidual"): "conv_exp",
}
"""Residual block of timm -> the layer that its residual branch starts with."""

SUPPORTED = (
    "ResNets (resnet18, resnet50, resnext50_32x4d, ...), RegNets, and EfficientNets, MobileNetV2 "
    "and V3 and their kin (tf_efficientnet_lite0, mobilenetv2_100, ...)"
)


@checked
def temporal_shift(x: Tensor, frames: int) -> Tensor:
    """Move 1/8 of the channels one frame back and 1/8 one frame forward; zeros move in.

    out[t] = [x[t + 1] of the first C // 8 channels, x[t - 1] of the next C // 8, x[t] of the rest]

    Args:
        x: features (B * frames, C, H, W), the frames of a clip in a row.
        frames: T.

    Returns:
        features of the same shape.

    Raises:
        InputError: when the images are not a whole number of clips.

    Source: Lin, Gan and Han 2019, "TSM: Temporal Shift Module for Efficient Video Understanding".
    """
    if frames < 1 or len(x) % frames:
        raise InputError(f"frames must divide the {len(x)} images of x; got {shown(frames)}")
    clips = x.unflatten(0, (-1, frames))
    part = x.shape[1] // SHARE
    # F.pad counts axes from the last: W, H, C, then time.
    later = F.pad(clips[:, 1:, :part], (0, 0, 0, 0, 0, 0, 0, 1))
    earlier = F.pad(clips[:, :-1, part : 2 * part], (0, 0, 0, 0, 0, 0, 1, 0))
    return torch.cat((later, earlier, clips[:, :, 2 * part :]), dim=2).flatten(0, 1)


def insert_temporal_shift(network: nn.Module, frames: int) -> int:
    """Shift the input of every residual branch of a timm network; parameter names stay.

    The shortcut of a block keeps the frame as it is (Lin et al. 2019, residual shift).

    Args:
        network: 2D network of timm; changed in place.
        frames: T of the clips, whose frames are folded into the batch.

    Returns:
        the number of blocks that shift, 0 when no residual block is of a supported kind.
    """
    found = 0
    for block in network.modules():
        kind = (type(block).__module__, type(block).__name__)
        # A block without a shortcut would lose what it shifts away.
        if kind in _FIRST_LAYERS and getattr(block, "has_skip", True):
            first = block.get_submodule(_FIRST_LAYERS[kind])
            first.register_forward_pre_hook(partial(_shift_input, frames))
            found += 1
    return found


def _shift_input(frames: int, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return (temporal_shift(inputs[0], frames), *inputs[1:])


def call_on_frames(network: nn.Module, clips: Tensor) -> Tensor:
    """Run a 2D network on every frame of clips (B, 3, T, H, W) and average the logits (B, K).

    Source: segmental consensus, Wang et al. 2016 (TSN), Eq. 1 with the mean.
    """
    images = clips.transpose(1, 2).flatten(0, 1)
    logits: Tensor = network(images)
    return logits.reshape(clips.shape[0], clips.shape[2], -1).mean(dim=1)
