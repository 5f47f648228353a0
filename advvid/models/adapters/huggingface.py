"""hf/NAME: video classifiers of transformers, from a local folder or the hub."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from advvid.errors import InputError, first_line, shown
from advvid.models.adapters.huggingface_hub import find_source
from advvid.models.adapters.huggingface_pixels import pixel_normalization
from advvid.models.heads import find_head
from advvid.models.request import ModelRequest
from advvid.models.video_model import VideoModel

_SHOWN = 3


def build_huggingface(request: ModelRequest) -> VideoModel:
    """Build VideoMAE, TimeSformer, ViViT or another video classifier of transformers.

    Frames, size and classes are those of its config.json; mean and std are what its preprocessor
    does to pixels, unless both are given. Its own weights are loaded unless others, or "none", are
    given.

    Raises:
        InputError: transformers is missing, the folder or hub name cannot be loaded, or nothing
            says how pixels are normalized.
    """
    transformers = _import_transformers()
    if request.weights not in (None, "DEFAULT"):
        raise InputError(
            f"hf models take `weights=DEFAULT`, none or a file; got {shown(request.weights)}"
        )
    pretrained = request.weights is not None
    source = find_source(request.name)
    requested = {"num_frames": request.frames, "image_size": request.size}
    try:
        with _quiet(transformers):
            config = transformers.AutoConfig.from_pretrained(
                source.name,
                # Code of a repository is never run.
                trust_remote_code=False,
                local_files_only=source.local,
                **{name: value for name, value in requested.items() if value is not None},
            )
            network, fresh = _build(transformers, source, config, pretrained=pretrained)
            mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
            noted = request.file is not None and request.file.notes.mean is not None
            if not noted and (request.mean is None or request.std is None):
                mean, std = pixel_normalization(transformers, source, request.spec)
    except InputError:
        raise
    except Exception as error:
        # transformers and its readers fail on damaged files in their own ways.
        raise InputError(
            f"cannot load {request.spec}: {first_line(error)}; give a hub name, or a folder with "
            "config.json and weights of a video classifier"
        ) from error
    height, width = _pair(config.image_size)
    names = tuple(config.id2label[index] for index in range(config.num_labels))
    named = names != tuple(f"LABEL_{index}" for index in range(config.num_labels))
    model = VideoModel(
        network,
        spec=request.spec,
        num_classes=config.num_labels,
        input_shape=(3, config.num_frames, height, width),
        classes=names if named and pretrained else None,
        mean=mean,
        std=std,
        layout="NTCHW",
        call=call_pixel_values,
        head=find_head(network),
        fixed=(1, 2, 3),
        weights=request.name if pretrained else None,
    )
    if fresh:
        rest = f" and {len(fresh) - _SHOWN} more" if len(fresh) > _SHOWN else ""
        message = (
            f"random weights: {request.spec} has no {', '.join(fresh[:_SHOWN])}{rest}; these are "
            "freshly initialized: train them first"
        )
        model.note_untrained(message, *fresh)
    return model


def _build(
    transformers: Any, source: Any, config: Any, *, pretrained: bool
) -> tuple[nn.Module, list[str]]:
    """Build the network; names of the parameters that its own weights do not have."""
    auto = transformers.AutoModelForVideoClassification
    if not pretrained:
        return auto.from_config(config), []
    network, loading = auto.from_pretrained(
        source.name,
        config=config,
        trust_remote_code=False,
        local_files_only=source.local,
        output_loading_info=True,
    )
    # Of a layer, the weights first: they are what is random.
    fresh = sorted(loading["missing_keys"], key=lambda name: (name.endswith("bias"), name))
    return network.float(), fresh


def call_pixel_values(network: nn.Module, frames: Any) -> Any:
    """Call a network that takes pixel_values (B, T, 3, H, W)."""
    return network(pixel_values=frames).logits


def _import_transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise InputError(
            f"hf/ models need transformers ({error}): pip install -e '.[hf]' in the checkout"
        ) from error
    return transformers


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keep what transformers prints while it loads off the screen; errors are raised anyway."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _pair(size: int | list[int] | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
