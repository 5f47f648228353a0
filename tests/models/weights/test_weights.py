import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advvid.errors import InputError
from advvid.models import VideoModel, load_model, load_weights, save_weights
from advvid.models.architectures.resnet3d_specs import FIRST_GENERATION, KINETICS


def fresh(seed: int = 0, **options: Any) -> VideoModel:
    return load_model("motions-r3d", weights="none", seed=seed, **options)


def same_tensors(first: nn.Module, second: nn.Module) -> bool:
    other = second.state_dict()
    return all(torch.equal(tensor, other[name]) for name, tensor in first.state_dict().items())


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    model = fresh(seed=1, num_classes=3, frames=6, size=24)
    model.set_normalization((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    path = tmp_path / "deep" / "model.safetensors"
    save_weights(model, path, classes=("a", "b", "c"))
    again = load_model("motions-r3d", weights=path)
    assert same_tensors(model, again)
    assert again.classes == ("a", "b", "c")
    assert (again.num_classes, again.input_shape) == (3, (3, 6, 24, 24))
    clips = torch.rand(2, 3, 6, 24, 24)
    torch.testing.assert_close(again(clips), model(clips), rtol=0, atol=0)
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"]


def test_notes_override_and_arguments_win_over_notes(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(fresh(), path, input_shape=(3, 4, 16, 20))
    assert load_model("motions-r3d", weights=path).input_shape == (3, 4, 16, 20)
    assert load_model("motions-r3d", weights=path, frames=9).input_shape == (3, 9, 32, 32)


def test_the_same_weights_give_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    code = (
        "import sys; from advvid.models import load_model, save_weights; "
        "save_weights(load_model('motions-r3d', weights='none'), sys.argv[1], classes=('a', 'b'))"
    )
    root = Path(__file__).resolve().parents[3]
    paths = [tmp_path / f"{index}.safetensors" for index in range(2)]
    for path in paths:
        environment = os.environ | {"PYTHONPATH": str(root)}
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, env=environment)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_saving_leaves_the_model_alone_and_takes_tied_weights(tmp_path: Path) -> None:
    tied = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    tied[1].weight = tied[0].weight
    save_weights(tied, tmp_path / "tied.safetensors")
    other = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    load_weights(other, tmp_path / "tied.safetensors")
    assert same_tensors(tied, other)
    assert tied[1].weight is tied[0].weight


def test_only_safetensors_are_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"name the file \*\.safetensors, not .*model\.pt"):
        save_weights(fresh(), tmp_path / "model.pt")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        save_weights(fresh(), tmp_path / "file" / "model.safetensors")


Wrap = Callable[[dict[str, Tensor]], Any]
WRAPPINGS: dict[str, Wrap] = {
    "raw": lambda state: state,
    "published": lambda state: {
        "epoch": 200,
        "arch": "resnext-101",
        "state_dict": {f"module.{name}": tensor for name, tensor in state.items()},
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
    },
    "model": lambda state: {"model": {f"backbone.{n}": t for n, t in state.items()}},
    "model_state": lambda state: {"model_state": state},
    "classifier": lambda state: {f"inner.backbone.{n}": t for n, t in state.items()},
    "twice": lambda state: {f"module.model.{name}": tensor for name, tensor in state.items()},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("zipped", [True, False])
def test_state_dicts_load_however_they_are_wrapped(
    wrapping: str, zipped: bool, tmp_path: Path
) -> None:
    path, model = tmp_path / "model.pth", fresh(seed=1)
    content = WRAPPINGS[wrapping](model.backbone.state_dict())
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert same_tensors(load_model("motions-r3d", weights=path), model)


def test_names_of_the_network_itself_may_start_like_a_prefix(tmp_path: Path) -> None:
    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = nn.Linear(2, 2)

    first, second = Wrapper(), Wrapper()
    for prefix in ("", "module."):
        state = {prefix + name: tensor for name, tensor in first.state_dict().items()}
        torch.save(state, tmp_path / "model.pt")
        load_weights(second, tmp_path / "model.pt")
        assert same_tensors(first, second)


def test_tensors_that_do_not_fit_are_listed_and_nothing_is_loaded(tmp_path: Path) -> None:
    model = fresh()
    state = model.backbone.state_dict()
    del state["bn1.weight"], state["fc.bias"]
    state["conv1.weight"] = state["conv1.weight"][:, :1]
    state |= {f"extra{index}": torch.zeros(1) for index in range(5)}
    torch.save(state, tmp_path / "wrong.pt")
    with pytest.raises(InputError) as caught:
        load_weights(model, tmp_path / "wrong.pt")
    message = str(caught.value)
    assert "2 missing (bn1.weight, fc.bias)" in message
    assert "5 unexpected (extra0, extra1, extra2, and 2 more)" in message
    assert "1 of another shape (conv1.weight (16, 1, 3, 3, 3) not (16, 3, 3, 3, 3))" in message
    assert "\n" not in message
    assert same_tensors(model, fresh())


def test_a_checkpoint_of_another_architecture(tmp_path: Path) -> None:
    torch.save(fresh().backbone.state_dict(), tmp_path / "small.pt")
    with pytest.raises(InputError, match=r"small\.pt does not fit r3d-18: \d+ missing"):
        load_model("r3d-18", weights=tmp_path / "small.pt")


def test_weights_of_another_spec_are_refused_naming_both(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(fresh(), path)
    with pytest.raises(InputError, match="holds weights of motions-r3d, not r3d-18"):
        load_model("r3d-18", weights=path)


def published(spec: str, path: Path, **changes: Any) -> dict[str, Tensor]:
    """Write a checkpoint as the authors' training script does; give its tensors."""
    from dataclasses import replace

    from advvid.models.architectures.resnet3d import ResNet3D
    from advvid.models.architectures.resnet3d_specs import PUBLISHED

    network = ResNet3D(replace(PUBLISHED[spec], **changes), 7)
    state = network.state_dict()
    torch.save({"state_dict": {f"module.{n}": t for n, t in state.items()}}, path)
    return state


def test_the_two_generations_of_published_checkpoints(tmp_path: Path) -> None:
    path = tmp_path / "r3d18_K_200ep.pth"
    state = published("r3d-18", path)
    model = load_model("r3d-18", weights=path)
    assert model.num_classes == 7
    torch.testing.assert_close(model.mean.flatten(), torch.tensor(KINETICS[0]))
    torch.testing.assert_close(model.std.flatten(), torch.tensor(KINETICS[1]))

    old = {f"module.{n}": t for n, t in state.items() if not n.endswith("num_batches_tracked")}
    torch.save({"state_dict": old}, path)
    with pytest.warns(UserWarning, match="2017 or 2018"):
        first = load_model("r3d-18", weights=path)
    torch.testing.assert_close(first.mean.flatten(), torch.tensor(FIRST_GENERATION[0]))
    pixels = torch.tensor([0.0, 114.7748, 255.0])
    normalized = (pixels / 255 - first.mean.flatten()[0]) / first.std.flatten()[0]
    torch.testing.assert_close(normalized, pixels - 114.7748, atol=1e-4, rtol=0)

    save_weights(first, tmp_path / "again.safetensors")
    again = load_model("r3d-18", weights=tmp_path / "again.safetensors")
    torch.testing.assert_close(again.std, first.std)


@pytest.mark.parametrize(
    ("spec", "changes"),
    [("r3d-18", {"shortcut": "A"}), ("r3d-18", {"stem_kernel": (3, 7, 7), "stem_width": 128})],
)
def test_stem_and_shortcut_are_read_off_the_file(
    spec: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    state = published(spec, tmp_path / "model.pth", **changes)
    model = load_model(spec, weights=tmp_path / "model.pth")
    loaded = model.backbone.state_dict()
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in state.items())
    assert model(torch.rand(1, 3, 4, 32, 32)).shape == (1, 7)


def test_a_mask_of_minus_infinity_is_loaded(tmp_path: Path) -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    for network in (first, second):
        network.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
    torch.save(first.state_dict(), tmp_path / "w.pth")
    assert not same_tensors(first, second)
    load_weights(second, tmp_path / "w.pth")
    assert same_tensors(first, second)
