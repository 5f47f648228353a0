"""From a spec to a model with its weights."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from advvid.errors import InputError
from advvid.methods.arguments import checked
from advvid.models.heads import head_width, replace_head
from advvid.models.registry import FUNCTION, MODELS, ModelEntry
from advvid.models.request import ModelRequest
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

    Returns:
        the model in evaluation mode, on the CPU.

    Raises:
        InputError: for an unknown spec, or weights that cannot be read or do not fit.
    """
    spec = MODELS.canonical(spec) or spec
    entry, name = _find_entry(spec)
    request = ModelRequest(spec, name, num_classes=num_classes, frames=frames, size=size)
    request = _with_weights(request, entry, weights)
    with _fresh_parameters_from(seed):
        model = entry.build(request)
        if request.file is not None:
            _load(model, request.file)
            noted = request.file.metadata.get("input_shape")
            if noted and frames is None and size is None:
                model.input_shape = tuple(noted)
        if num_classes is not None:
            _set_classes(model, num_classes)
    return model.eval()


def _find_entry(spec: str) -> tuple[ModelEntry, str]:
    """Find the entry of a spec, and what the spec names inside a family of models."""
    family, _, name = spec.partition("/")
    if name and f"{family}/NAME" in MODELS:
        return MODELS[f"{family}/NAME"], name
    module, _, function = spec.partition(":")
    if module and function:
        return MODELS[FUNCTION], spec
    return MODELS.find(spec), spec


def _with_weights(
    request: ModelRequest, entry: ModelEntry, weights: str | Path | None
) -> ModelRequest:
    """Resolve the weights to a file that is read, a name, or neither."""
    wanted = entry.default_weights if weights is None else str(weights)
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
    shape = file.metadata.get("input_shape") or (3, None, None, None)
    numbers = isinstance(shape, list | tuple) and len(shape) == 4
    if not numbers or not all(s is None or (isinstance(s, int) and s > 0) for s in shape):
        raise InputError(f"{file.path} notes an input shape of {shape}; wanted (3, T, H, W)")
    return replace(
        request,
        file=file,
        # The head is first built as the file has it, so that everything loads.
        num_classes=file.metadata.get("num_classes") or request.num_classes,
        frames=request.frames or shape[1],
        size=request.size or (shape[2] if shape[2] == shape[3] else None),
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
