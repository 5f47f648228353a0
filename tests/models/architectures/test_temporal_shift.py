import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from advvid.errors import InputError
from advvid.models import VideoModel, load_model
from advvid.models.architectures.temporal_shift import (
    call_on_frames,
    insert_temporal_shift,
    temporal_shift,
)


def slow_shift(x: Tensor, frames: int) -> Tensor:
    """The shift, one frame of one clip at a time."""
    part = x.shape[1] // 8
    out = torch.zeros_like(x)
    for start in range(0, len(x), frames):
        for t in range(frames):
            here = start + t
            out[here, 2 * part :] = x[here, 2 * part :]
            if t + 1 < frames:
                out[here, :part] = x[here + 1, :part]
            if t > 0:
                out[here, part : 2 * part] = x[here - 1, part : 2 * part]
    return out


@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 25), st.integers(1, 3))
def test_shift_is_that_of_the_slow_spelling(
    clips: int, frames: int, channels: int, side: int
) -> None:
    x = torch.arange(clips * frames * channels * side * side, dtype=torch.float32)
    x = (x + 1).reshape(clips * frames, channels, side, side)
    torch.testing.assert_close(temporal_shift(x, frames), slow_shift(x, frames), rtol=0, atol=0)


def test_gradient_of_the_shift() -> None:
    x = torch.randn(6, 16, 1, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: temporal_shift(x, 3), x)


@pytest.mark.parametrize(
    ("backbone", "blocks"),
    # lite0: 15 inverted residuals in 6 stages, the first of each stage without a shortcut.
    [("tf_efficientnet_lite0", 9), ("resnet18", 8), ("resnet50", 16), ("regnety_002", 13)],
)
def test_every_residual_block_shifts(backbone: str, blocks: int) -> None:
    import timm

    with torch.device("meta"):
        network = timm.create_model(backbone)
        names = list(network.state_dict())
        assert insert_temporal_shift(network, 4) == blocks
    assert list(network.state_dict()) == names


class _Block(nn.Module):
    """A residual block that says it is timm's, without its batch norms."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(16, 16, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.conv1(x)
        return out


_Block.__name__, _Block.__module__ = "BasicBlock", "timm.models.resnet"


def test_only_the_residual_branch_shifts() -> None:
    block = _Block()
    assert insert_temporal_shift(block, 4) == 1
    x = torch.randn(8, 16, 5, 5)
    convolution = nn.functional.conv2d(
        slow_shift(x, 4), block.conv1.weight, block.conv1.bias, padding=1
    )
    torch.testing.assert_close(block(x), x + convolution)


def test_logits_are_averaged_over_frames() -> None:
    class Sums(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.sum(dim=(2, 3))

    clips = torch.rand(2, 3, 5, 4, 4)
    torch.testing.assert_close(call_on_frames(Sums(), clips), clips.sum(dim=(3, 4)).mean(dim=2))


def clips_and_model(frames: int) -> tuple[Tensor, VideoModel]:
    """Clips, and a network whose residual branches add something: timm starts them at zero."""
    clips = torch.rand(2, 3, frames, 32, 32, generator=torch.Generator().manual_seed(0))
    model = load_model("tsm/test_resnet", num_classes=5, frames=frames, size=32)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1 and name.endswith("weight"):
            nn.init.ones_(parameter)
    return clips, model


def relative_change(model: Callable[[Tensor], Tensor], clips: Tensor) -> float:
    with torch.no_grad():
        there, back = model(clips), model(clips.flip(2))
    return float((there - back).abs().max() / there.abs().max())


def test_the_model_sees_the_order_of_frames_and_its_backbone_alone_does_not() -> None:
    clips, model = clips_and_model(4)
    assert relative_change(model, clips) > 1e-3
    for module in model.modules():
        module._forward_pre_hooks.clear()
    assert relative_change(model, clips) < 1e-5


def test_gradient_reaches_every_frame_and_no_other_clip() -> None:
    clips, model = clips_and_model(3)
    clips.requires_grad_()
    (gradient,) = torch.autograd.grad(model(clips)[0, 0], clips)
    assert gradient[0].abs().amax(dim=(0, 2, 3)).min() > 0
    assert not gradient[1].any()


def test_number_of_frames_is_fixed() -> None:
    _, model = clips_and_model(3)
    with pytest.raises(InputError, match=r"built for 3 frames; got clips \(1, 3, 6, 32, 32\)"):
        model(torch.rand(1, 3, 6, 32, 32))


def test_copies_of_a_shifting_model_shift() -> None:
    clips, model = clips_and_model(3)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        torch.testing.assert_close(again(clips), model(clips))


def test_unknown_backbone_and_backbone_without_residual_blocks() -> None:
    with pytest.raises(InputError, match=r"no backbone 'resnet51'; did you mean .*resnet50"):
        load_model("tsm/resnet51")
    with pytest.raises(InputError, match=r"vgg11 has no residual block .*resnet50"):
        load_model("tsm/vgg11")
    with pytest.raises(InputError, match=r"take `weights=imagenet`, none or a file; got 'DEFAULT'"):
        load_model("tsm/test_resnet", weights="DEFAULT")
