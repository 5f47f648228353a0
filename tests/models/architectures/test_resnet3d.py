from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from advvid.models.architectures.resnet3d import ResNet3D, ResNet3DConfig
from advvid.models.architectures.resnet3d_specs import MOTIONS, PUBLISHED

Shapes = dict[str, tuple[int, ...]]


def batch_norm(name: str, channels: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for tensor in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{tensor}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def published_shapes(layers: tuple[int, ...], kind: str, classes: int) -> Shapes:
    """Names and shapes of a 3D-ResNets-PyTorch checkpoint, spelled out from the papers' tables."""
    shapes: Shapes = {"conv1.weight": (64, 3, 7, 7, 7), **dict(batch_norm("bn1", 64))}
    inputs = 64
    for stage, blocks in enumerate(layers):
        plain = 64 * 2**stage
        outputs = {"basic": plain, "bottleneck": 4 * plain, "resnext": 4 * plain}[kind]
        for block in range(blocks):
            at = f"layer{stage + 1}.{block}"
            if kind == "basic":
                convolutions = [(plain, inputs, 3), (plain, plain, 3)]
            elif kind == "bottleneck":
                convolutions = [(plain, inputs, 1), (plain, plain, 3), (outputs, plain, 1)]
            else:
                # 32 groups of 2 * plain / 32 channels each.
                wide = 2 * plain
                convolutions = [(wide, inputs, 1), (wide, wide // 32, 3), (outputs, wide, 1)]
            for index, (to, from_, kernel) in enumerate(convolutions, start=1):
                shapes[f"{at}.conv{index}.weight"] = (to, from_, kernel, kernel, kernel)
                shapes.update(batch_norm(f"{at}.bn{index}", to))
            if block == 0 and inputs != outputs:
                shapes[f"{at}.downsample.0.weight"] = (outputs, inputs, 1, 1, 1)
                shapes.update(batch_norm(f"{at}.downsample.1", outputs))
            inputs = outputs
    return shapes | {"fc.weight": (classes, inputs), "fc.bias": (classes,)}


@pytest.mark.parametrize(
    ("spec", "layers", "kind"),
    [
        ("r3d-18", (2, 2, 2, 2), "basic"),
        ("r3d-34", (3, 4, 6, 3), "basic"),
        ("r3d-50", (3, 4, 6, 3), "bottleneck"),
        ("r3d-101", (3, 4, 23, 3), "bottleneck"),
        ("resnext3d-101", (3, 4, 23, 3), "resnext"),
    ],
)
def test_names_and_shapes_are_the_published_ones(
    spec: str, layers: tuple[int, ...], kind: str
) -> None:
    with torch.device("meta"):
        network = ResNet3D(PUBLISHED[spec], 400)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes == published_shapes(layers, kind, 400)


@pytest.mark.parametrize(
    ("spec", "classes", "millions"),
    [("r3d-18", 101, 33.2), ("r3d-50", 101, 46.4), ("resnext3d-101", 101, 47.7)],
)
def test_number_of_parameters(spec: str, classes: int, millions: float) -> None:
    with torch.device("meta"):
        network = ResNet3D(PUBLISHED[spec], classes)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.1)


def plain_forward(state: dict[str, Tensor], x: Tensor, stages: list[tuple[int, int]]) -> Tensor:
    """A network of basic blocks, read off the tensors with nothing but functions."""

    def norm(at: str, x: Tensor) -> Tensor:
        shape = (1, -1, 1, 1, 1)
        mean, variance = state[f"{at}.running_mean"], state[f"{at}.running_var"]
        scale = (state[f"{at}.weight"] / (variance + 1e-5).sqrt()).reshape(shape)
        return (x - mean.reshape(shape)) * scale + state[f"{at}.bias"].reshape(shape)

    x = F.conv3d(x, state["conv1.weight"], stride=(1, 2, 2), padding=1)
    x = F.relu(norm("bn1", x))
    for stage, (blocks, stride) in enumerate(stages, start=1):
        for block in range(blocks):
            at, step = f"layer{stage}.{block}", stride if block == 0 else 1
            out = F.conv3d(x, state[f"{at}.conv1.weight"], stride=step, padding=1)
            out = F.relu(norm(f"{at}.bn1", out))
            out = norm(f"{at}.bn2", F.conv3d(out, state[f"{at}.conv2.weight"], padding=1))
            if f"{at}.downsample.0.weight" in state:
                x = F.conv3d(x, state[f"{at}.downsample.0.weight"], stride=step)
                x = norm(f"{at}.downsample.1", x)
            x = F.relu(out + x)
    return F.linear(x.mean(dim=(2, 3, 4)), state["fc.weight"], state["fc.bias"])


def test_forward_is_that_of_the_published_blocks() -> None:
    network = ResNet3D(
        ResNet3DConfig(
            "basic",
            (2, 1),
            widths=(8, 12),
            strides=(1, 2),
            stem_width=8,
            stem_kernel=(3, 3, 3),
            max_pool=False,
        ),
        5,
    )
    network.train()(torch.randn(4, 3, 4, 16, 16))  # batch norms with something to say
    network.eval()
    clips = torch.randn(2, 3, 4, 16, 16)
    expected = plain_forward(network.state_dict(), clips, [(2, 1), (1, 2)])
    torch.testing.assert_close(network(clips), expected)


def test_groups_of_resnext_are_separate() -> None:
    network = ResNet3D(ResNet3DConfig("resnext", (1,), widths=(128,), strides=(1,)), 4)
    convolution = network.get_submodule("layer1.0.conv2")
    assert isinstance(convolution, nn.Conv3d)
    x = torch.zeros(1, 128, 1, 1, 1)
    x[:, :4] = 1
    reached = convolution(x).flatten() != 0
    assert reached[:4].any()
    assert not reached[4:].any()


def test_shortcut_a_subsamples_and_pads_with_zeros() -> None:
    config = ResNet3DConfig("basic", (1, 1), widths=(4, 6), strides=(1, 2), shortcut="A")
    shortcut = ResNet3D(config, 2).get_submodule("layer2.0.downsample")
    x = torch.randn(2, 4, 3, 5, 4)
    out = shortcut(x)
    torch.testing.assert_close(out[:, :4], x[:, :, [0, 2]][:, :, :, [0, 2, 4]][..., [0, 2]])
    assert out.shape == (2, 6, 2, 3, 2)
    assert not out[:, 4:].any()


def test_bundled_network_is_small() -> None:
    network = ResNet3D(MOTIONS, 10)
    size = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    assert size < 1.4e6
    assert network(torch.rand(2, 3, 8, 32, 32)).shape == (2, 10)
