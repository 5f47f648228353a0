"""The 3D residual networks that have a name: the bundled one and the published ones."""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from advvid.models.architectures.resnet3d import ResNet3D, ResNet3DConfig
from advvid.models.request import ModelRequest
from advvid.models.video_model import VideoModel
from advvid.models.weights.state_dicts import strip_prefixes

Normalization = tuple[tuple[float, ...], tuple[float, ...]]

KINETICS: Normalization = ((0.4345, 0.4051, 0.3775), (0.2768, 0.2713, 0.2737))
"""Mean and std of the checkpoints published in 2020 (r3d*_K_200ep.pth and the like)."""

FIRST_GENERATION: Normalization = (
    (114.7748 / 255, 107.7354 / 255, 99.4750 / 255),
    (1 / 255, 1 / 255, 1 / 255),
)
"""Of those published in 2017 and 2018 (resnext-101-kinetics.pth and the like): pixels from 0 to 255
less the ActivityNet mean, not divided."""

PUBLISHED: dict[str, ResNet3DConfig] = {
    "r3d-18": ResNet3DConfig("basic", (2, 2, 2, 2)),
    "r3d-34": ResNet3DConfig("basic", (3, 4, 6, 3)),
    "r3d-50": ResNet3DConfig("bottleneck", (3, 4, 6, 3)),
    "r3d-101": ResNet3DConfig("bottleneck", (3, 4, 23, 3)),
    "resnext3d-101": ResNet3DConfig("resnext", (3, 4, 23, 3), widths=(128, 256, 512, 1024)),
}

MOTIONS = ResNet3DConfig(
    "basic",
    (1, 1, 1),
    widths=(32, 32, 64),
    # Halves the clip at once: most of the work of a small network lies in its first stage.
    strides=(2, 1, 2),
    stem_width=16,
    stem_kernel=(3, 3, 3),
    max_pool=False,
)


def build_motions_r3d(request: ModelRequest) -> VideoModel:
    """Build the small network for the bundled clips: 10 classes, 3 x 8 x 32 x 32."""
    return VideoModel(
        ResNet3D(MOTIONS, 10),
        spec=request.spec,
        num_classes=10,
        input_shape=request.input_shape(8, 32),
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        head="fc",
    )


def build_published_r3d(request: ModelRequest) -> VideoModel:
    """Build a network of 3D-ResNets-PyTorch, 3 x 16 x 112 x 112, 400 classes by default.

    What the two generations of its checkpoints differ in is read from the file: width and kernel of
    the stem (the ResNeXt of 2020 starts with 128 channels), shortcut A (resnet-18 and -34 of 2017),
    and normalization, see `is_first_generation`.

    Source: github.com/kenshohara/3D-ResNets-PyTorch (models, opts.py, mean.py; issue 12).
    """
    config = PUBLISHED[request.spec]
    if request.file is not None:
        config = fit_config(config, request.file.tensors)
    mean, std = KINETICS
    return VideoModel(
        ResNet3D(config, 400),
        spec=request.spec,
        num_classes=400,
        input_shape=request.input_shape(16, 112),
        mean=mean,
        std=std,
        head="fc",
    )


def fit_config(config: ResNet3DConfig, tensors: Mapping[str, Tensor]) -> ResNet3DConfig:
    """Take stem and shortcuts as a checkpoint has them, where it has a stem of three axes."""
    tensors = strip_prefixes(tensors, ("conv1.weight",))
    stem = tensors.get("conv1.weight")
    if stem is None or stem.ndim != 5:
        return config
    kernel = (int(stem.shape[2]), int(stem.shape[3]), int(stem.shape[4]))
    shortcuts = any(".downsample." in name for name in tensors)
    return replace(
        config,
        stem_width=int(stem.shape[0]),
        stem_kernel=kernel,
        shortcut="B" if shortcuts else "A",
    )


def is_first_generation(tensors: Mapping[str, Tensor]) -> bool:
    """Recognize a checkpoint of 2017 or 2018: PyTorch counted no batches in batch norms then."""
    return not any(name.endswith("num_batches_tracked") for name in tensors)
