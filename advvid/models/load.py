"""From a spec to a model with its weights."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch

from advvid.errors import InputError, shown
from advvid.inference.layouts import check_layout
from advvid.inference.normalization import read_per_channel, read_pixel_mean
from advvid.methods.arguments import checked
from advvid.models.heads import head_width, replace_head
from advvid.models.registry import FUNCTION, MODELS, ModelEntry
from advvid.models.request import ModelRequest
from advvid.models.suggestion import suggest_model
from advvid.models.video_model import VideoModel
from advvid.models.weights.files import WeightFile, looks_like_file, read_weight_file
from advvid.models.weights.load import check_spec, load_weight_file
from advvid.models.weights.state_dicts import strip_prefixes


@checked
def load_model(
    spec: str = "motions-r3d",
    *,
    num_classes: int | None = None,
    weights: str | Path | None = None,
    frames: int | None = None,
    size: int | None = None,
    seed: int = 0,
    mean: float | Sequence[float] | str | None = None,
    std: float | Sequence[float] | str | None = None,
    layout: str | None = None,
) -> VideoModel:
    """Build a model from its spec and load its weights.

    Args:
        spec: "motions-r3d", "r3d-18" (-34, -50, -101), "resnext3d-101", "torchvision/NAME",
            "tsm/NAME", "hf/NAME" or "package.module:function"; see `list_models`.
        num_classes: K; None takes that of the weights, or of the architecture. Another number than
            theirs replaces the last layer, and a warning names what was left out.
        weights: file (.safetensors, .pt, .pth; read without running code), name ("DEFAULT" of
            torchvision, "imagenet" of tsm), or "none" for a fresh initialization. None is the
            bundled weights of motions-r3d, the own weights of hf, and "none" elsewhere.
        frames: T of the clips; None takes what is noted in the file, or the model's default.
        size: H = W of the clips in pixels; likewise.
        seed: of what is freshly initialized; the global random state stays as it is.
        mean: subtracted from pixels in [0, 1], one number or three (R, G, B), in place of that of
            the weights or the architecture; hf models without a preprocessor file need it.
        std: divided by, likewise.
        layout: of the clips that a module of your own takes, "NCTHW" unless given, "NTCHW" for (B,
            T, 3, H, W) or "NTHWC"; clips that are handed in are (B, 3, T, H, W) all the same.

    Returns:
        the model in evaluation mode, on the CPU; what is random in it is told by its `warnings`.

    Raises:
        InputError: for an unknown spec, weights that cannot be read or do not fit, or a mean, std
            or layout that cannot be used.
    """
    spec = MODELS.canonical(spec) or spec
    entry, name = _find_entry(spec)
    request = ModelRequest(
        spec,
        name,
        num_classes=num_classes,
        frames=frames,
        size=size,
        mean=None if mean is None else read_pixel_mean(mean),
        std=None if std is None else read_per_channel("std", std),
        layout=None if layout is None else check_layout(layout),
    )
    if layout is not None and entry is not MODELS[FUNCTION]:
        raise InputError(
            f"layout is that of a module of your own, package.module:function; {spec} has its own: "
            "leave it out"
        )
    request = _with_weights(request, entry, weights)
    with _fresh_parameters_from(seed):
        model = entry.build(request)
        if request.file is not None:
            _load(model, request.file)
            noted = request.file.notes.input_shape
            if noted and frames is None and size is None and None not in noted:
                model.input_shape = cast(tuple[int, int, int, int], noted)
        if request.mean is not None or request.std is not None:
            model.set_normalization(
                request.mean or tuple(model.mean.flatten().tolist()),
                request.std or tuple(model.std.flatten().tolist()),
            )
        if model.weights is None:
            name = f", or --weights {entry.named_weights}" if entry.named_weights else ""
            model.note_untrained(
                f"random weights: {spec} has no trained weights loaded; give --weights FILE{name}"
            )
        if num_classes is not None:
            _set_classes(model, num_classes)
    return model.eval()


def _find_entry(spec: str) -> tuple[ModelEntry, str]:
    """Find the entry of a spec, and what the spec names inside a family of models.

    Raises:
        InputError: with what was probably meant, when there is none.
    """
    family, _, name = spec.partition("/")
    if name and f"{family}/NAME" in MODELS:
        return MODELS[f"{family}/NAME"], name
    module, _, function = spec.partition(":")
    if module and function:
        return MODELS[FUNCTION], spec
    if spec not in MODELS:
        raise InputError(f"unknown model {shown(spec)}; {suggest_model(spec, MODELS)}")
    return MODELS[spec], spec


def _with_weights(
    request: ModelRequest, entry: ModelEntry, weights: str | Path | None
) -> ModelRequest:
    """Resolve the weights to a file that is read, a name, or neither."""
    wanted = entry.default_weights if weights is None else str(weights)
    if not wanted.strip():
        raise InputError("weights are an empty text: give a file, a name, or none")
    if wanted == "none":
        return request
    if not isinstance(weights, Path) and not looks_like_file(wanted):
        if entry.named_weights:
            return replace(request, weights=wanted)
        raise InputError(
            f"no such file: {wanted}; {request.spec} takes a file (.safetensors, .pt, .pth) or none"
        )
    file = read_weight_file(Path(wanted).expanduser())
    if entry is not MODELS[FUNCTION]:
        check_spec(file, request.spec)
    shape = file.notes.input_shape or (3, None, None, None)
    return replace(
        request,
        file=file,
        # The head is first built as the file has it, so that everything loads.
        num_classes=file.notes.num_classes or request.num_classes,
        frames=request.frames or shape[1],
        size=request.size or (shape[2] if shape[2] == shape[3] else None),
        layout=request.layout or file.notes.layout,
    )


def _load(model: VideoModel, file: WeightFile) -> None:
    """Load a file, after giving the last layer the number of outputs that it has there."""
    if model.head is not None:
        tensors = strip_prefixes(file.tensors, model.backbone.state_dict())
        head = tensors.get(f"{model.head}.weight")
        width = 0 if head is None or not head.ndim else int(head.shape[0])
        if width and width != head_width(model.backbone, model.head):
            replace_head(model.backbone, model.head, width)
            model.num_classes = width
    load_weight_file(model, file)


def _set_classes(model: VideoModel, num_classes: int) -> None:
    """Replace the last layer where the model has another number of classes."""
    had = model.num_classes
    if model.head is not None:
        had = head_width(model.backbone, model.head)
    if had in (None, num_classes):
        model.num_classes = num_classes
        return
    if model.head is None:
        raise InputError(
            f"{model.spec} has {had} classes, not {num_classes}, and its last "
            "layer was not found: let the function take num_classes"
        )
    names = replace_head(model.backbone, model.head, num_classes)
    model.num_classes, model.classes = num_classes, None
    if model.weights is not None:
        model.note_untrained(
            f"random last layer: that of {model.spec} is new, for {num_classes} classes; train it "
            "first",
            *names,
        )
        warnings.warn(
            f"{model.spec}: the last layer is new, for {num_classes} classes; left out of "
            f"{model.weights} ({had} classes): {', '.join(names)}",
            stacklevel=3,
        )


@contextmanager
def _fresh_parameters_from(seed: int) -> Iterator[None]:
    """Seed the CPU's generator, and restore its state on exit."""
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)
