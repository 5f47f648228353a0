import copy
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from advvid.errors import InputError
from advvid.models import (
    MODELS,
    VideoModel,
    list_models,
    load_model,
    load_weights,
    save_weights,
)
from advvid.models.heads import find_head, replace_head

IMAGENET = (
    Path(__file__).resolve().parents[2].parent
    / "shared"
    / "models"
    / "tf_efficientnet_lite0_imagenet.safetensors"
)
LITE0 = "tsm/tf_efficientnet_lite0"
BUNDLED = Path(MODELS["motions-r3d"].default_weights)


def fresh(**options: Any) -> VideoModel:
    return load_model("motions-r3d", weights="none", **options)


def test_the_bundled_model_knows_its_clips_and_classes() -> None:
    model = load_model()
    assert (model.num_classes, model.input_shape) == (10, (3, 8, 32, 32))
    assert model.classes is not None
    assert len(set(model.classes)) == 10
    assert BUNDLED.stat().st_size < 1.5e6


def test_a_fresh_model_is_ready_to_be_asked() -> None:
    model = fresh()
    assert not model.training
    assert model.input_shape == (3, 8, 32, 32)
    assert model.weights is None
    clips = torch.rand(2, *model.input_shape, requires_grad=True)
    logits = model(clips)
    assert logits.shape == (2, 10)
    (gradient,) = torch.autograd.grad(logits.sum(), clips)
    assert gradient.abs().amax(dim=(0, 1, 3, 4)).min() > 0


def test_normalization_lies_inside() -> None:
    model = fresh()
    clips = torch.rand(2, 3, 8, 32, 32)
    torch.testing.assert_close(model(clips), model.backbone((clips - 0.5) / 0.25))
    assert all(name.startswith("backbone.") for name in model.state_dict())


@pytest.mark.parametrize("shape", [(3, 8, 32, 32), (2, 8, 3, 32, 32), (2, 1, 8, 32, 32)])
def test_clips_of_another_layout_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"takes clips \(B, 3, T, H, W\) in \[0, 1\]; got \("):
        fresh()(torch.rand(shape))


def test_options_change_shape_and_classes() -> None:
    model = fresh(num_classes=4, frames=5, size=24)
    assert (model.num_classes, model.input_shape) == (4, (3, 5, 24, 24))
    assert model(torch.rand(2, 3, 5, 24, 24)).shape == (2, 4)


def test_fresh_parameters_follow_the_seed_and_leave_the_global_state() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = fresh(), fresh(), fresh(seed=1)
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])
    assert not torch.equal(
        first.state_dict()["backbone.conv1.weight"], other.state_dict()["backbone.conv1.weight"]
    )


@pytest.mark.parametrize("option", ["num_classes", "frames", "size"])
def test_options_below_one_are_refused(option: str) -> None:
    with pytest.raises(InputError, match=f"{option} must be a whole number of at least 1; got 0"):
        fresh(**{option: 0})


@pytest.mark.parametrize(
    ("spec", "suggestion"),
    [
        ("motion-r3d", "did you mean motions-r3d"),
        ("r3d-19", "did you mean r3d-1"),
        ("tsm", "did you mean tsm/NAME"),
        ("?", "there are motions-r3d, r3d-18"),
        ("r3d_18", r"did you mean torchvision/r3d_18"),
        ("R3D_18", r"did you mean torchvision/r3d_18"),
        ("swin3d", r"did you mean torchvision/swin3d"),
        ("best.safetensors", "it names a file: .* `weights=best.safetensors`"),
        ("x" * 100_000, "there are motions-r3d"),
    ],
)
def test_an_unknown_spec_is_answered_with_near_ones(spec: str, suggestion: str) -> None:
    with pytest.raises(InputError, match=f"unknown model .*; {suggestion}") as caught:
        load_model(spec)
    assert len(str(caught.value)) < 1000


def test_capitals_do_not_matter() -> None:
    assert load_model("Motions-R3D", weights="none").spec == "motions-r3d"


def test_weights_that_are_no_file_and_have_no_name() -> None:
    with pytest.raises(InputError, match="no such file: imagenet; r3d-18 takes a file"):
        load_model("r3d-18", weights="imagenet")


def test_the_list_names_every_family() -> None:
    rows = list_models()
    assert [row.spec for row in rows] == list(MODELS)
    assert {"r3d-18", "tsm/NAME", "MODULE:FUNCTION"} <= set(MODELS)
    assert all(row.summary and row.clips for row in rows)


def test_another_number_of_classes_keeps_all_but_the_last_layer(tmp_path: Path) -> None:
    path = tmp_path / "ten.safetensors"
    save_weights(fresh(seed=3), path, classes=[str(index) for index in range(10)])
    with pytest.warns(UserWarning, match=r"for 4 classes; left out of .*: fc\.weight, fc\.bias"):
        model = load_model("motions-r3d", weights=path, num_classes=4)
    assert (model.num_classes, model.classes) == (4, None)
    saved = fresh(seed=3).backbone.state_dict()
    for name, tensor in model.backbone.state_dict().items():
        assert torch.equal(tensor, saved[name]) != name.startswith("fc.")


def test_the_model_takes_the_number_of_classes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "four.pt"
    torch.save(fresh(num_classes=4).backbone.state_dict(), path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_model("motions-r3d", weights=path).num_classes == 4


def test_imagenet_weights_load_into_a_shifting_model() -> None:
    if not IMAGENET.is_file():
        pytest.skip("no shared ImageNet weights here")
    from safetensors.torch import load_file

    with pytest.warns(UserWarning, match=r"1000 classes\): classifier\.weight, classifier\.bias"):
        model = load_model(LITE0, num_classes=11, weights=IMAGENET, frames=4, size=64)
    assert model.input_shape == (3, 4, 64, 64)
    torch.testing.assert_close(model.mean.flatten(), torch.full((3,), 0.5))
    stored = load_file(IMAGENET)
    tensors = model.backbone.state_dict()
    same = [name for name, tensor in stored.items() if torch.equal(tensor, tensors[name])]
    assert set(stored) - set(same) == {"classifier.weight", "classifier.bias"}
    assert model(torch.rand(1, 3, 4, 64, 64)).shape == (1, 11)


def test_imagenet_weights_keep_their_classes_when_nothing_is_said() -> None:
    if not IMAGENET.is_file():
        pytest.skip("no shared ImageNet weights here")
    assert load_model(LITE0, weights=IMAGENET, frames=2, size=32).num_classes == 1000


def test_a_failed_download_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    def fail(*_: object, **options: object) -> nn.Module:
        assert options["pretrained"]
        raise ConnectionError("no route to host")

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(InputError, match=r"cannot download the ImageNet weights .*`weights=FILE`"):
        load_model(LITE0, weights="imagenet")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, spec in (("timm", LITE0), ("transformers", "hf/any"), ("torchvision", "")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(InputError, match="pip install"):
            load_model(spec or "torchvision/r3d_18")


def test_the_head_of_a_convolutional_classifier_is_replaced_too() -> None:
    network = nn.Sequential(nn.Conv3d(3, 8, 3), nn.AdaptiveAvgPool3d(1), nn.Conv3d(8, 5, 1))
    assert find_head(network) == "2"
    assert replace_head(network, "2", 7) == ("2.weight", "2.bias")
    assert network(torch.rand(2, 3, 4, 8, 8)).shape == (2, 7, 1, 1, 1)


def test_a_network_without_a_linear_layer_has_no_head() -> None:
    assert find_head(nn.Sequential(nn.Conv3d(3, 8, 3), nn.ReLU())) is None


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"")
    with pytest.raises(InputError, match=r"it is a file: .* `weights="):
        load_model(str(tmp_path / "weights"))


def test_random_weights_are_told_until_they_are_trained_or_loaded(tmp_path: Path) -> None:
    model = fresh()
    (warning,) = model.warnings
    assert warning.startswith("random weights: motions-r3d has no trained weights loaded")
    assert load_model().warnings == ()
    assert fresh().half().warnings == (warning,)
    assert copy.deepcopy(model).warnings == (warning,)
    load_weights(model, BUNDLED)
    assert model.warnings == ()
    trained = fresh()
    torch.optim.SGD(trained.parameters(), lr=0.1).step(
        lambda: trained(torch.rand(2, 3, 8, 32, 32)).sum().backward()
    )
    assert trained.warnings == ()


def test_published_architectures_say_how_to_get_weights() -> None:
    (warning,) = load_model("torchvision/r3d_18").warnings
    assert "give --weights FILE, or --weights DEFAULT" in warning


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("builtins:dict", "must return a torch.nn.Module .*; got dict"),
        ("builtins:range", "builtins:range failed: TypeError"),
        ("builtins:type", "builtins:type failed: TypeError"),
        ("torch:Tensor", "must return a torch.nn.Module .*; got Tensor"),
        ("torch.nn:Linear", "torch.nn:Linear failed: TypeError"),
        ("math:pi", "no class or function 'pi'"),
    ],
)
def test_what_others_wrote_is_called_without_a_traceback(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_model(spec)
