"""What the preprocessor of a model of transformers does to pixels, as mean and std."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from advvid.errors import InputError, first_line
from advvid.inference.normalization import PerChannel
from advvid.models.adapters.huggingface_hub import Source

_FILES = ("preprocessor_config.json", "video_preprocessor_config.json", "processor_config.json")
_ADVICE = "give both `mean` and `std` of pixels in [0, 1]"


def pixel_normalization(
    transformers: Any, source: Source, spec: str
) -> tuple[PerChannel, PerChannel]:
    """Run the preprocessor on an image of all 256 levels, and read mean and std off the result.

    Processors differ in what they do (rescale_factor, offset, do_rescale, do_normalize) and in what
    they assume where the file says nothing; what comes out is what the network was trained with.

    Args:
        transformers: the module.
        source: where the model lies.
        spec: of the model, for messages.

    Returns:
        mean and std, of pixels in [0, 1].

    Raises:
        InputError: when there is no such file, or it does more than scale and shift each channel.
    """
    processor = _load(transformers, source, spec)
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    frame = np.repeat(levels[:, :, None], 3, axis=2)
    out = _run(processor, frame, spec)
    low, high = out[:, 0], out[:, -1]
    scale = high - low
    line = low[:, None] + scale[:, None] * (np.arange(256) / 255)
    span = np.abs(scale).max()
    if not (
        np.isfinite(out).all() and (scale > 0).all() and np.abs(out - line).max() <= 1e-4 * span
    ):
        raise InputError(f"the preprocessor of {spec} does not scale and shift pixels: {_ADVICE}")
    mean, std = (-low / scale).tolist(), (1 / scale).tolist()
    return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])


def _load(transformers: Any, source: Source, spec: str) -> Any:
    found = {
        name: transformers.utils.cached_file(
            source.name,
            name,
            local_files_only=source.local,
            _raise_exceptions_for_missing_entries=False,
        )
        for name in _FILES
    }
    if not any(found.values()):
        raise InputError(
            f"{spec} has no preprocessor_config.json, which says how pixels are normalized: put "
            f"the file there, or {_ADVICE}"
        )
    first = next(path for path in found.values() if path)
    kind = "AutoVideoProcessor" if _is_for_videos(Path(first)) else "AutoImageProcessor"
    try:
        return getattr(transformers, kind).from_pretrained(
            source.name, trust_remote_code=False, local_files_only=source.local
        )
    except Exception as error:
        # transformers and its processors fail on damaged files in their own ways.
        raise InputError(
            f"cannot read the preprocessor of {spec} ({first_line(error)}): {_ADVICE}"
        ) from error


def _is_for_videos(file: Path) -> bool:
    """Tell a preprocessor of videos from one of images, whose file may have either name."""
    if file.name != _FILES[0]:
        return True
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        # transformers will say what is wrong with it.
        return False
    return "video_processor_type" in settings and "image_processor_type" not in settings


def _run(processor: Any, frame: np.ndarray[Any, Any], spec: str) -> np.ndarray[Any, Any]:
    """Give each channel of the levels as the network sees them, (3, 256)."""
    options = {"return_tensors": "pt", "do_resize": False, "do_center_crop": False}
    try:
        made = processor([frame, frame], **options)
        values: np.ndarray[Any, Any] = np.asarray(
            made.get("pixel_values", made.get("pixel_values_videos"))
        )
        # Videos are (1, T, 3, H, W), images (T, 3, H, W).
        if values.shape[-3:] != (3, *frame.shape[:2]):
            raise ValueError(f"it gives {values.shape} where it should neither resize nor crop")
        channels: np.ndarray[Any, Any] = values.reshape(-1, 3, 256)[0].astype(np.float64)
        return channels
    except Exception as error:
        raise InputError(
            f"cannot run the preprocessor of {spec} ({first_line(error)}): {_ADVICE}"
        ) from error
