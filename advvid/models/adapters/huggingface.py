"""hf/NAME: video classifiers of transformers, from a local folder or the hub."""

import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from advvid.errors import InputError, shown
from advvid.models.heads import find_head
from advvid.models.request import ModelRequest
from advvid.models.video_model import VideoModel


def build_huggingface(request: ModelRequest) -> VideoModel:
    """Build VideoMAE, TimeSformer, ViViT or another video classifier of transformers.

    Frames, size and classes are those of its config.json, mean and std those of its
    preprocessor_config.json; without that file, pixels go in as they are. Its own weights are
    loaded unless others, or "none", are given.

    Raises:
        InputError: transformers is missing, or the folder or hub name cannot be loaded.
    """
    transformers = _import_transformers()
    if request.weights not in (None, "DEFAULT"):
        raise InputError(
            f"hf models take `weights=DEFAULT`, none or a file; got {shown(request.weights)}"
        )
    pretrained = request.weights is not None
    requested = {"num_frames": request.frames, "image_size": request.size}
    try:
        config = transformers.AutoConfig.from_pretrained(
            request.name,
            # Code of a repository is never run.
            trust_remote_code=False,
            **{name: value for name, value in requested.items() if value is not None},
        )
        auto = transformers.AutoModelForVideoClassification
        if pretrained:
            network = auto.from_pretrained(request.name, config=config, trust_remote_code=False)
        else:
            network = auto.from_config(config)
        preprocessing = _read_preprocessing(transformers, request.name)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(
            f"cannot load {request.spec}: {str(error).strip().splitlines()[0]}; give a hub name, "
            "or a folder with config.json and weights of a video classifier"
        ) from error
    height, width = _pair(config.image_size)
    names = tuple(config.id2label[index] for index in range(config.num_labels))
    named = names != tuple(f"LABEL_{index}" for index in range(config.num_labels))
    normalize = preprocessing.get("do_normalize", "image_mean" in preprocessing)
    return VideoModel(
        network,
        spec=request.spec,
        num_classes=config.num_labels,
        input_shape=(3, config.num_frames, height, width),
        classes=names if named and pretrained else None,
        mean=tuple(preprocessing["image_mean"]) if normalize else (0.0, 0.0, 0.0),
        std=tuple(preprocessing["image_std"]) if normalize else (1.0, 1.0, 1.0),
        call=call_frames_first,
        head=find_head(network),
        fixed=(1, 2, 3),
        weights=request.name if pretrained else None,
    )


def call_frames_first(network: nn.Module, clips: Tensor) -> Tensor:
    """Call a network that takes pixel_values (B, T, 3, H, W) on clips (B, 3, T, H, W)."""
    logits: Tensor = network(pixel_values=clips.transpose(1, 2)).logits
    return logits


def _import_transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise InputError(
            f"hf/ models need transformers ({error}): pip install -e '.[hf]' in the checkout"
        ) from error
    return transformers


def _read_preprocessing(transformers: Any, name: str) -> dict[str, Any]:
    """Read preprocessor_config.json of a folder or hub name, {} where there is none."""
    found = transformers.utils.cached_file(
        name, "preprocessor_config.json", _raise_exceptions_for_missing_entries=False
    )
    return {} if found is None else dict(json.loads(Path(found).read_text(encoding="utf-8")))


def _pair(size: int | list[int] | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
