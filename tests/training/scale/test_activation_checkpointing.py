import copy
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

import advvid
from advvid.errors import InputError
from advvid.inference.frozen import frozen
from advvid.training.scale.activation_checkpointing import blocks, checkpointed


class Block(nn.Module):
    def __init__(self, momentum: float | None) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv3d(4, 4, 1), nn.BatchNorm3d(4, momentum=momentum)
        self.dropout = nn.Dropout(0.5)

    def forward(self, features: Tensor) -> Tensor:
        moved: Tensor = features + self.dropout(self.norm(self.conv(features)).tanh())
        return moved


class DropoutNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv3d(3, 4, 1), nn.Linear(4, 10)
        self.stages = nn.ModuleList([Block(0.1), Block(None)])

    def forward(self, clips: Tensor) -> Tensor:
        features = self.stem(clips)
        for stage in self.stages:
            features = stage(features)
        logits: Tensor = self.head(features.mean((2, 3, 4)))
        return logits


def make(name: str) -> nn.Module:
    torch.manual_seed(1)
    if name == "dropout":
        return DropoutNet().train()
    return advvid.load_model("motions-r3d", weights="none").train()


CLIPS = torch.rand(3, 3, 8, 16, 16, generator=torch.Generator().manual_seed(2))
NETS = pytest.mark.parametrize("name", ["motions-r3d", "dropout"])


def gradients(model: nn.Module, passes: int = 1) -> list[Tensor]:
    """Give logits, then the gradients to input and parameters."""
    torch.manual_seed(7)
    clips = CLIPS.clone().requires_grad_()
    logits = model(clips)
    wanted = [clips, *(p for p in model.parameters() if p.requires_grad)]
    for _ in range(passes):
        found = torch.autograd.grad(logits.square().sum(), wanted, retain_graph=passes > 1)
    return [logits.detach(), *found]


def assert_same(first: list[Tensor], second: list[Tensor]) -> None:
    assert len(first) == len(second)
    for ours, theirs in zip(first, second, strict=True):
        assert torch.equal(ours, theirs)


@NETS
@pytest.mark.parametrize("passes", [1, 2])
def test_nothing_but_memory_changes(name: str, passes: int) -> None:
    plain, model = make(name), make(name)
    with checkpointed(model):
        found = gradients(model, passes)
    assert_same(gradients(plain, passes), found)
    assert_same(list(plain.buffers()), list(model.buffers()))
    assert not all(map(torch.equal, make(name).buffers(), model.buffers()))
    assert all(module.training for module in model.modules())


@NETS
def test_fewer_activations_are_kept(name: str) -> None:
    def kept(model: nn.Module) -> int:
        sizes: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            sizes[tensor.data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            logits = model(CLIPS)
        assert logits.requires_grad
        return sum(sizes.values())

    model = make(name)
    with checkpointed(model):
        less = kept(model)
    assert 2 * less < kept(model)


@NETS
def test_attacks_get_the_same_input_gradient(name: str) -> None:
    plain, model = make(name), make(name)
    for training in (False, True):
        with frozen(plain, training=training):
            expected = gradients(plain)
        with checkpointed(model), frozen(model, training=training):
            assert_same(expected, gradients(model))
    assert_same(list(make(name).buffers()), list(model.buffers()))


def test_a_mode_that_changes_before_the_backward_pass_does_no_harm() -> None:
    plain, model = make("dropout"), make("dropout")
    for net in (plain, model):
        with checkpointed(net):
            net.eval()
            loss = net(CLIPS).square().sum()
            net.train()
            if net is plain:
                net.eval()
            loss.backward()
    for ours, theirs in zip(plain.parameters(), model.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.parametrize("frozen_parameters", [False, True])
def test_without_a_gradient_blocks_run_as_they_are(
    frozen_parameters: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("recomputation costs time")

    monkeypatch.setattr("advvid.training.scale.activation_checkpointing.checkpoint", refuse)
    model = make("motions-r3d").requires_grad_(not frozen_parameters)
    with checkpointed(model), torch.set_grad_enabled(frozen_parameters):
        assert model(CLIPS).shape == (3, 10)
    with checkpointed(model), pytest.raises(AssertionError):
        model(CLIPS.clone().requires_grad_())


def test_blocks_are_residual_blocks_wherever_they_are() -> None:
    r3d = make("motions-r3d")
    assert [type(block).__name__ for block in blocks(r3d)] == ["ResidualBlock"] * 3
    assert blocks(nn.Sequential(nn.Identity(), r3d)) == blocks(r3d)
    first, second, third = (Block(0.1) for _ in range(3))
    stages = nn.Sequential(nn.Sequential(first, second), nn.Sequential(third))
    assert blocks(stages) == [first, second, third]
    efficientnet = advvid.load_model("tsm/tf_efficientnet_lite0", num_classes=3, weights="none")
    kinds = {type(block).__name__ for block in blocks(efficientnet)}
    assert kinds == {"DepthwiseSeparableConv", "InvertedResidual"}


def test_a_model_without_blocks_is_refused() -> None:
    flat = nn.Sequential(nn.Conv3d(3, 4, 1), nn.ReLU())
    with pytest.raises(InputError, match=r"^Sequential has no blocks .*: put its[^\n]*$"):
        checkpointed(flat).__enter__()


def test_blocks_are_restored_and_copies_are_independent() -> None:
    model = make("dropout")
    keys = list(model.state_dict())
    with suppress(KeyboardInterrupt), checkpointed(model):
        assert list(model.state_dict()) == keys
        before = [buffer.clone() for buffer in model.buffers()]
        gradients(copy.deepcopy(model))
        assert_same(before, list(model.buffers()))
        raise KeyboardInterrupt
    assert not any("forward" in vars(module) for module in model.modules())
