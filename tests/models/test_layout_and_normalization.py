"""Modules of one's own: mean, std and layout are said in words, or the error says them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from advvid.errors import InputError
from advvid.estimator import as_classifier
from advvid.inference.layouts import LAYOUTS
from advvid.models import VideoModel, load_model, save_weights
from tests.clip_models import random_clips

MODULE = """
import torch
from torch import nn

class Frames(nn.Module):
    def __init__(self, layout, classes):
        super().__init__()
        self.layout, self.conv, self.fc = layout, nn.Conv2d(3, 4, 3), nn.Linear(4, classes)

    def forward(self, x):
        if self.layout == "NTHWC":
            x = x.permute(0, 1, 4, 2, 3)
        b, t = x.shape[:2]
        # As people write it: needs contiguous memory.
        x = x.contiguous() if self.layout == "NTHWC" else x
        x = x.view(b * t, *x.shape[2:])
        return self.fc(self.conv(x).relu().mean((2, 3)).view(b, t, -1).mean(1))

def frames(num_classes=5):
    return Frames("NTCHW", num_classes)

def last(num_classes=5):
    return Frames("NTHWC", num_classes)

def rigid():
    return Frames("NTCHW", 5)

def wrapped():
    from advvid.models import VideoModel
    return VideoModel(Frames("NTCHW", 5), layout="NTCHW", mean=0.5, std=0.25)
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "lab_of_mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    yield "lab_of_mine"
    sys.modules.pop("lab_of_mine", None)


CLIPS, _ = random_clips()


@pytest.mark.parametrize(("function", "layout"), [("frames", "NTCHW"), ("last", "NTHWC")])
def test_a_module_of_another_layout_is_loaded_with_its_layout(
    lab: str, function: str, layout: str
) -> None:
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
    as_array: Any = np.array(std)
    model = load_model(f"{lab}:{function}", layout=layout, mean=mean, std=as_array)
    shape = (3, 1, 1, 1)
    normalized = (CLIPS - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
    expected = model.backbone(normalized.permute(LAYOUTS[layout]).contiguous())
    torch.testing.assert_close(model(CLIPS), expected)
    assert model.num_classes == 5
    assert model.warnings == ()


def test_its_last_layer_is_found_in_that_layout(lab: str) -> None:
    with pytest.warns(UserWarning, match=r"last layer is new, for 7 classes.*fc\.weight"):
        model = load_model(f"{lab}:rigid", layout="NTCHW", num_classes=7)
    assert model(CLIPS).shape == (len(CLIPS), 7)
    (warning,) = model.warnings
    assert warning.startswith("random last layer")
    with torch.no_grad():
        model.backbone.get_parameter("fc.weight").mul_(2)
    assert model.warnings == ()


def test_weights_remember_layout_mean_and_std(lab: str, tmp_path: Path) -> None:
    model = load_model(f"{lab}:frames", layout="NTCHW", mean=0.4, std=0.2)
    save_weights(model, tmp_path / "w.safetensors")
    again = load_model(f"{lab}:frames", weights=tmp_path / "w.safetensors")
    torch.testing.assert_close(again(CLIPS), model(CLIPS))
    # What is said goes before what was noted.
    other = load_model(f"{lab}:frames", weights=tmp_path / "w.safetensors", mean=0.1)
    assert other.mean.flatten().tolist() == pytest.approx([0.1] * 3)
    assert other.std.flatten().tolist() == pytest.approx([0.2] * 3)


def test_the_error_says_which_layout_works(lab: str) -> None:
    model = load_model(f"{lab}:frames")
    with pytest.raises(InputError, match=r"takes \(B, T, 3, H, W\): say so, with `layout=NTCHW`"):
        as_classifier(model, CLIPS)
    with pytest.raises(InputError, match=r"VideoModel\(network, layout='NTCHW'\)"):
        as_classifier(model.backbone, CLIPS)
    with pytest.raises(InputError, match=r"takes \(B, T, H, W, 3\): say so, with `layout=NTHWC`"):
        as_classifier(load_model(f"{lab}:last", layout="NTCHW"), CLIPS)
    as_classifier(VideoModel(model.backbone, layout="NTCHW"), CLIPS)
    as_classifier(load_model(f"{lab}:wrapped"), CLIPS)


def test_a_module_that_takes_no_layout_keeps_its_own_error() -> None:
    class Broken(nn.Module):
        def forward(self, clips: Tensor) -> Tensor:
            raise ValueError("no such video\nat all")

    with pytest.raises(InputError, match="no such video") as caught:
        as_classifier(Broken(), CLIPS)
    assert "layout" not in str(caught.value)


def test_a_video_model_takes_its_settings_in_words() -> None:
    class Answer:
        def __init__(self, logits: Tensor) -> None:
            self.logits = logits

    class Means(nn.Module):
        def forward(self, pixel_values: Tensor) -> Answer:
            return Answer(pixel_values.mean((1, 3, 4)))

    model = VideoModel(Means(), mean=0.5, std=(0.1, 0.2, 0.5), layout="NTCHW")
    assert model.spec == "Means"
    expected = (CLIPS.mean((2, 3, 4)) - 0.5) / torch.tensor([0.1, 0.2, 0.5])
    torch.testing.assert_close(model(CLIPS), expected)
    by_keyword = VideoModel(
        Means(), call=lambda network, frames: network(pixel_values=frames).logits, layout="NTCHW"
    )
    torch.testing.assert_close(by_keyword(CLIPS), CLIPS.mean((2, 3, 4)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": float("nan")}, "mean must be"),
        ({"mean": "0.5,x,0.5"}, "mean must be one number, or three"),
        ({"mean": "0.5,0.5"}, "mean must be one number, or three"),
        ({"mean": ""}, "mean must be one number, or three"),
        ({"mean": "inf"}, "mean must be finite"),
        ({"mean": [114, 107, 99]}, "divide mean and std by 255"),
        ({"mean": 10**400}, "mean must be"),
        ({"std": 0}, "std must be above 0"),
        ({"std": "0.2,-0.2,0.2"}, "std must be above 0"),
        ({"std": []}, "std must be"),
        ({"std": {"r": 1}}, "std must be"),
        ({"layout": "BTCHW"}, "layout must be one of NCTHW, NTCHW, NTHWC"),
        ({"layout": 5}, "layout must be"),
        ({"layout": "NTCHW"}, "layout is that of a module of your own"),
    ],
)
def test_what_cannot_be_used_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_model("motions-r3d", **options)


@pytest.mark.parametrize("settings", [{"mean": [1, 2]}, {"std": 0.0}, {"layout": "TCHW"}])
def test_a_video_model_refuses_them_too(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        VideoModel(nn.Identity(), **settings)
