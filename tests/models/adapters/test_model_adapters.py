import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from advvid.errors import InputError
from advvid.models import MODELS, load_model, save_weights


def test_the_list_names_every_video_model_of_torchvision() -> None:
    models = pytest.importorskip("torchvision.models")
    named = MODELS["torchvision/NAME"].summary.split(", ")
    assert sorted(named) == sorted(models.list_models(module=models.video))


@pytest.mark.parametrize(
    ("name", "frames", "size", "head"),
    [
        ("r3d_18", 2, 16, "fc"),
        ("mc3_18", 2, 16, "fc"),
        ("r2plus1d_18", 2, 16, "fc"),
        ("s3d", 16, 224, "classifier.1"),
        ("swin3d_t", 2, 32, "head"),
    ],
)
def test_models_of_torchvision(name: str, frames: int, size: int, head: str) -> None:
    pytest.importorskip("torchvision")
    model = load_model(f"torchvision/{name}", num_classes=3, frames=frames, size=size)
    assert model.input_shape == (3, frames, size, size)
    assert model.head == head
    with torch.no_grad():
        assert model(torch.rand(1, 3, frames, size, size)).shape == (1, 3)


def test_torchvision_normalization_and_shape_are_those_of_the_weights() -> None:
    models = pytest.importorskip("torchvision.models")
    model = load_model("torchvision/mc3_18")
    preset = models.video.MC3_18_Weights.DEFAULT.transforms()
    assert model.input_shape == (3, 16, 112, 112)
    assert (model.num_classes, model.classes) == (400, None)
    torch.testing.assert_close(model.mean.flatten(), torch.tensor(preset.mean))
    torch.testing.assert_close(model.std.flatten(), torch.tensor(preset.std))
    video = torch.randint(256, (1, 2, 3, 112, 112), dtype=torch.uint8)
    preset.resize_size = [112]
    expected = model.backbone(preset(video))
    torch.testing.assert_close(model(video.transpose(1, 2) / 255), expected, rtol=1e-4, atol=1e-5)


def test_torchvision_mistakes() -> None:
    pytest.importorskip("torchvision")
    with pytest.raises(InputError, match=r"no video model 'r3d_19'; did you mean .*r3d_18"):
        load_model("torchvision/r3d_19")
    with pytest.raises(InputError, match=r"has the weights KINETICS400_V1, DEFAULT"):
        load_model("torchvision/r3d_18", weights="imagenet")
    with pytest.raises(InputError, match=r"at least 14 x 224 x 224; got 16 x 64 x 64"):
        load_model("torchvision/s3d", size=64)
    with pytest.raises(InputError, match=r"takes clips of 16 x 224 x 224; got 8 x 224 x 224"):
        load_model("torchvision/mvit_v2_s", frames=8)


def test_attention_of_mvit_is_built_for_one_shape() -> None:
    pytest.importorskip("torchvision")
    model = load_model("torchvision/mvit_v2_s", num_classes=3)
    assert (model.head, model.num_classes) == ("head.1", 3)
    with pytest.raises(InputError, match="built for 224 rows; got clips"):
        model(torch.rand(1, 3, 16, 112, 224))


def test_a_failed_download_of_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    models = pytest.importorskip("torchvision.models")

    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(models, "get_model", fail)
    with pytest.raises(InputError, match=r"cannot download https://\S+ \(no route to host\)"):
        load_model("torchvision/r3d_18", weights="default")


USER_MODULE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.fc = nn.Linear(3, classes)

    def forward(self, clips):
        return self.fc(clips.mean(dim=(2, 3, 4)))

def flexible(num_classes=6, frames=None):
    network = Net(num_classes)
    network.frames = frames
    return network

def rigid():
    return Net(6)

def hidden(num_classes=6):
    network = nn.Sequential(Net(num_classes))
    network.add_module("probe", nn.Identity())
    network[0].later = nn.Linear(2, 9)
    return network

def ready():
    from advvid.models import VideoModel
    return VideoModel(Net(6), spec="mine", num_classes=6, mean=(0.5, 0.5, 0.5))

def broken():
    raise KeyError("first line\\nsecond line")

def nothing():
    return None

class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)
        self.gate = nn.Linear(3, 3)

    def forward(self, clips):
        z = clips.mean((2, 3, 4))
        return self.fc(z * self.gate(z).sigmoid())

def gated():
    return Gated()

class Large(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3 * 16 * 7 * 7, 6)

    def forward(self, clips):
        return self.fc(nn.functional.avg_pool3d(clips, (1, 16, 16)).flatten(1))

def large():
    return Large()

def leaves():
    raise SystemExit("bye")

value = 3
"""


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "my_clip_models.py").write_text(USER_MODULE)
    monkeypatch.chdir(tmp_path)
    yield "my_clip_models"
    sys.modules.pop("my_clip_models", None)


def test_a_function_is_given_what_it_takes(user_module: str) -> None:
    path = list(sys.path)
    model = load_model(f"{user_module}:flexible", num_classes=4, frames=5, size=8)
    assert sys.path == path
    assert isinstance(model.backbone, nn.Module)
    assert vars(model.backbone)["frames"] == 5
    assert (model.num_classes, model.input_shape) == (4, (3, 5, 8, 8))
    clips = torch.rand(2, 3, 5, 8, 8)
    torch.testing.assert_close(model(clips), model.backbone(clips))
    plain = load_model(f"{user_module}:flexible")
    # Nobody said how many, so the network was asked.
    assert (plain.num_classes, plain.input_shape) == (6, None)
    assert plain(clips).shape == (2, 6)


def test_the_layer_registered_last_is_not_taken_for_the_one_that_gives_logits(
    user_module: str,
) -> None:
    fits = load_model(f"{user_module}:gated", num_classes=2)
    assert (fits.num_classes, fits.head) == (2, None)
    assert fits(torch.rand(2, 3, 2, 4, 4)).shape == (2, 2)
    with pytest.raises(InputError, match="let the function take num_classes"):
        load_model(f"{user_module}:gated", num_classes=3)


def test_a_network_for_large_clips_only_gets_another_last_layer_too(user_module: str) -> None:
    with pytest.warns(UserWarning, match="last layer is new"):
        model = load_model(f"{user_module}:large", num_classes=4)
    assert model(torch.rand(1, 3, 16, 112, 112)).shape == (1, 4)


def test_a_function_that_exits_is_named(user_module: str) -> None:
    with pytest.raises(InputError, match="leaves failed: SystemExit: bye"):
        load_model(f"{user_module}:leaves")


def test_a_function_without_num_classes_gets_another_last_layer(user_module: str) -> None:
    with pytest.warns(UserWarning, match=r"last layer is new, for 4 classes.*fc\.weight"):
        model = load_model(f"{user_module}:rigid", num_classes=4)
    assert model(torch.rand(1, 3, 2, 4, 4)).shape == (1, 4)
    assert load_model(f"{user_module}:rigid", num_classes=6).num_classes == 6


def test_a_layer_that_does_not_give_the_logits_is_left_alone(user_module: str) -> None:
    model = load_model(f"{user_module}:hidden", num_classes=4)
    assert model.num_classes == 4
    assert model(torch.rand(1, 3, 2, 4, 4)).shape == (1, 4)


def test_a_video_model_is_kept_as_it_is(user_module: str, tmp_path: Path) -> None:
    model = load_model(f"{user_module}:ready")
    assert (model.spec, model.num_classes) == ("mine", 6)
    save_weights(model, tmp_path / "mine.safetensors")
    again = load_model(f"{user_module}:ready", weights=tmp_path / "mine.safetensors")
    clips = torch.rand(1, 3, 2, 4, 4)
    torch.testing.assert_close(again(clips), model(clips))
    with pytest.raises(InputError, match="mine has 6 classes, not 4"):
        load_model(f"{user_module}:ready", num_classes=4)


def test_weights_of_a_function_keep_their_classes(user_module: str, tmp_path: Path) -> None:
    path = tmp_path / "four.safetensors"
    save_weights(load_model(f"{user_module}:flexible", num_classes=4), path, classes=list("abcd"))
    model = load_model(f"{user_module}:flexible", weights=path)
    assert (model.num_classes, model.classes) == (4, tuple("abcd"))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("my_clip_models:missing", "has no class or function 'missing'"),
        ("my_clip_models:value", "has no class or function 'value'"),
        ("my_clip_models:broken", r"broken failed: KeyError: 'first line"),
        ("my_clip_models:nothing", "must return a torch.nn.Module .*; got NoneType"),
        ("no_such_module_at_all:build", "cannot import 'no_such_module_at_all'"),
    ],
)
def test_functions_that_cannot_be_used(user_module: str, function: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_model(function)
    assert "\n" not in str(caught.value)
