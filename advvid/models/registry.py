"""All models, by what is written for them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from advvid.methods import Registry
from advvid.models.adapters.huggingface import build_huggingface
from advvid.models.adapters.torchvision_video import NAMES, build_torchvision
from advvid.models.adapters.tsm import build_tsm
from advvid.models.adapters.user_function import build_from_function
from advvid.models.architectures.resnet3d_specs import build_motions_r3d, build_published_r3d
from advvid.models.request import ModelRequest
from advvid.models.video_model import VideoModel


@dataclass(frozen=True)
class ModelEntry:
    """One line of the registry."""

    build: Callable[[ModelRequest], VideoModel]
    summary: str
    clips: str
    """Default T x H x W."""
    named_weights: str = ""
    """A name of published weights that the builder can load."""
    default_weights: str = "none"
    """What is loaded by default: a name, or a file beside this module."""


FUNCTION = "MODULE:FUNCTION"

MODELS = Registry(
    "model",
    {
        "motions-r3d": ModelEntry(
            build_motions_r3d,
            "bundled 3D residual network for the motions clips (0.2 M)",
            "8 x 32 x 32",
            default_weights=str(Path(__file__).with_name("motions_r3d.safetensors")),
        ),
        "r3d-18": ModelEntry(build_published_r3d, "3D ResNet-18 (33 M)", "16 x 112 x 112"),
        "r3d-34": ModelEntry(build_published_r3d, "3D ResNet-34 (64 M)", "16 x 112 x 112"),
        "r3d-50": ModelEntry(build_published_r3d, "3D ResNet-50 (47 M)", "16 x 112 x 112"),
        "r3d-101": ModelEntry(build_published_r3d, "3D ResNet-101 (86 M)", "16 x 112 x 112"),
        "resnext3d-101": ModelEntry(
            build_published_r3d, "3D ResNeXt-101, backbone of VideoAT (48 M)", "16 x 112 x 112"
        ),
        "torchvision/NAME": ModelEntry(
            build_torchvision,
            ", ".join(NAMES),
            "16, its own size",
            named_weights="DEFAULT",
        ),
        "tsm/NAME": ModelEntry(
            build_tsm,
            "temporal shift in a 2D backbone of timm, such as tf_efficientnet_lite0 or resnet50",
            "8, its own size",
            named_weights="imagenet",
        ),
        "hf/NAME": ModelEntry(
            build_huggingface,
            "video classifier of transformers, from a folder or the hub (advvid[hf])",
            "its own",
            named_weights="DEFAULT",
            default_weights="DEFAULT",
        ),
        FUNCTION: ModelEntry(
            build_from_function, "your function that returns a torch module", "any"
        ),
    },
)
"""Words in capitals stand for what a user fills in."""


class ModelRow(NamedTuple):
    """What `advvid models` shows of a model."""

    spec: str
    summary: str
    clips: str


def list_models() -> list[ModelRow]:
    """List every spec that `load_model` takes, with millions of parameters and clips T x H x W."""
    return [ModelRow(spec, entry.summary, entry.clips) for spec, entry in MODELS.items()]
