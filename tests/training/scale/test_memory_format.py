import copy
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

import advvid
from advvid.training.scale.memory_format import channels_last, channels_last_, clips_channels_last

CLIPS = torch.rand(2, 3, 8, 32, 32, generator=torch.Generator().manual_seed(2))


class Mixed(nn.Module):
    """Filters of both kinds, some of size 1, and a buffer that is a filter."""

    def __init__(self) -> None:
        super().__init__()
        self.conv3d, self.pointwise = nn.Conv3d(3, 4, (2, 3, 3)), nn.Conv3d(4, 4, 1)
        self.conv2d, self.fc = nn.Conv2d(4, 5, 3), nn.Linear(5, 2)
        self.register_buffer("blur", torch.rand(5, 1, 3, 3))

    def forward(self, clips: Tensor) -> Tensor:
        frames = self.conv2d(self.pointwise(self.conv3d(clips)).mean(2))
        blurred = nn.functional.conv2d(frames, self.get_buffer("blur"), groups=5)
        logits: Tensor = self.fc(blurred.mean((2, 3)))
        return logits


def strides(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tensor.stride() for name, tensor in model.state_dict().items()}


def is_channels_last(tensor: Tensor) -> bool:
    return 1 in (tensor.shape[1], tensor.stride()[1])


@pytest.mark.parametrize("name", ["mixed", "motions-r3d"])
def test_layout_changes_and_comes_back_and_values_stay(name: str) -> None:
    torch.manual_seed(1)
    model = (Mixed() if name == "mixed" else advvid.load_model(name, weights="none")).eval()
    before, expected = strides(model), model(CLIPS)
    weights = copy.deepcopy(model.state_dict())
    parameters = list(model.parameters())
    with suppress(KeyboardInterrupt), channels_last(model):
        for key, tensor in model.state_dict().items():
            assert torch.equal(tensor, weights[key])
            if tensor.dim() in (4, 5):
                assert is_channels_last(tensor), key
            else:
                assert tensor.stride() == before[key]
        assert strides(model) != before
        torch.testing.assert_close(model(clips_channels_last(CLIPS)), expected)
        raise KeyboardInterrupt
    assert strides(model) == before
    assert torch.equal(model(CLIPS), expected)
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))


def test_a_model_that_was_channels_last_stays_so() -> None:
    model = Mixed()
    channels_last_(model)
    before = strides(model)
    with channels_last(model):
        assert strides(model) == before
    assert strides(model) == before


def test_clips_are_laid_out_by_their_dimensions() -> None:
    clips = clips_channels_last(CLIPS)
    assert torch.equal(clips, CLIPS)
    assert clips.is_contiguous(memory_format=torch.channels_last_3d)
    assert clips_channels_last(clips) is clips
    assert clips_channels_last(CLIPS[0]).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_an_optimizer_goes_on_across_layouts(kind: str) -> None:
    def trained(layouts: tuple[bool, ...]) -> Mixed:
        torch.manual_seed(1)
        model = Mixed()
        optimizer: torch.optim.Optimizer = (
            torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
            if kind == "sgd"
            else torch.optim.AdamW(model.parameters(), lr=0.01)
        )

        def step() -> None:
            optimizer.zero_grad()
            model(CLIPS).square().sum().backward()
            optimizer.step()

        for there in layouts:
            if there:
                with channels_last(model):
                    step()
            else:
                step()
            optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        return model

    plain, mixed = trained((False,) * 4), trained((False, True, True, False))
    for ours, theirs in zip(plain.parameters(), mixed.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
