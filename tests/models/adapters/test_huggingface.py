"""hf/: pixels go in as transformers' own processors give them; what is missing is told at once."""

import json
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import nn

from advvid.errors import InputError
from advvid.models import VideoModel, load_model, save_weights

NAMES = {"run": 0, "jump": 1, "sit": 2}
TINY: dict[str, Any] = {
    **{"image_size": 32, "num_frames": 4, "hidden_size": 16, "num_hidden_layers": 1},
    **{"num_attention_heads": 2, "intermediate_size": 16},
    **{"id2label": {index: name for name, index in NAMES.items()}, "label2id": NAMES},
}
KINDS: dict[str, dict[str, Any]] = {
    "VideoMAE": {"patch_size": 16, "tubelet_size": 2},
    "Timesformer": {"patch_size": 16},
    "Vivit": {"tubelet_size": [2, 16, 16]},
}


def make(kind: str, folder: Path, preprocessor: dict[str, Any] | None = None) -> nn.Module:
    """Save a small random classifier, with its preprocessor file where there is one."""
    config = getattr(transformers, f"{kind}Config")(**TINY, **KINDS[kind])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network: nn.Module = getattr(transformers, f"{kind}ForVideoClassification")(config)
    network.save_pretrained(folder)  # type: ignore[operator]
    if preprocessor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return network.eval()


IMAGES = {"image_processor_type": "VideoMAEImageProcessor"}
VIVIT = {"image_processor_type": "VivitImageProcessor"}
ODD = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.1]}
PREPROCESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "VideoMAE, its defaults": ("VideoMAE", IMAGES),
    "VideoMAE, mean and std": ("VideoMAE", IMAGES | ODD),
    "VideoMAE, not normalized": ("VideoMAE", IMAGES | ODD | {"do_normalize": False}),
    "VideoMAE, not rescaled": ("VideoMAE", IMAGES | ODD | {"do_rescale": False}),
    "VideoMAE, another factor": ("VideoMAE", IMAGES | ODD | {"rescale_factor": 0.01}),
    "VideoMAE, of no named kind": ("VideoMAE", ODD),
    "VideoMAE, as extractors were named": (
        "VideoMAE",
        ODD | {"feature_extractor_type": "VideoMAEFeatureExtractor"},
    ),
    "TimeSformer": ("Timesformer", IMAGES | ODD),
    "ViViT, its defaults": ("Vivit", VIVIT),
    "ViViT, no offset": ("Vivit", VIVIT | ODD | {"offset": False, "rescale_factor": 1 / 255}),
    "ViViT, offset": ("Vivit", VIVIT | ODD | {"offset": True, "rescale_factor": 1 / 127.5}),
    "ViViT, not normalized": ("Vivit", VIVIT | {"do_normalize": False}),
}


@pytest.mark.parametrize("case", PREPROCESSORS)
def test_logits_are_those_of_transformers_own_processor(case: str, tmp_path: Path) -> None:
    kind, preprocessor = PREPROCESSORS[case]
    network = make(kind, tmp_path, preprocessor)
    video = np.random.default_rng(0).integers(256, size=(4, 32, 32, 3), dtype=np.uint8)
    auto: Any = transformers.AutoImageProcessor
    processor = auto.from_pretrained(tmp_path)
    batch = processor(list(video), return_tensors="pt", do_resize=False, do_center_crop=False)
    with torch.no_grad():
        expected = network(pixel_values=batch["pixel_values"]).logits
    model = load_model(f"hf/{tmp_path}")
    clip = torch.from_numpy(video).permute(3, 0, 1, 2)[None] / 255
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(model(clip), expected, rtol=1e-4, atol=1e-5)
    assert model.warnings == ()


def test_a_processor_of_videos_is_read_too(tmp_path: Path) -> None:
    network = make("VideoMAE", tmp_path)
    (tmp_path / "video_preprocessor_config.json").write_text(
        json.dumps({"video_processor_type": "VideoMAEVideoProcessor", **ODD})
    )
    clip = torch.rand(1, 3, 4, 32, 32)
    mean, std = (torch.tensor(ODD[key])[None, :, None, None, None] for key in ODD)
    expected = network(pixel_values=((clip - mean) / std).transpose(1, 2)).logits
    torch.testing.assert_close(load_model(f"hf/{tmp_path}")(clip), expected, rtol=1e-4, atol=1e-5)


def test_without_its_preprocessor_mean_and_std_must_be_given(tmp_path: Path) -> None:
    network = make("VideoMAE", tmp_path)
    for options in ({}, {"mean": 0.5}, {"weights": "none"}):
        with pytest.raises(InputError, match=r"no preprocessor_config.json.*`mean` and `std`"):
            load_model(f"hf/{tmp_path}", **options)
    model = load_model(f"hf/{tmp_path}", mean=(0.5, 0.4, 0.3), std="0.2,0.2,0.1")
    clips = torch.rand(2, 3, 4, 32, 32)
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.2, 0.1])
    values = (clips.permute(0, 2, 3, 4, 1) - mean) / std
    expected = network(pixel_values=values.permute(0, 1, 4, 2, 3)).logits
    torch.testing.assert_close(model(clips), expected)


@pytest.mark.parametrize(
    "preprocessor",
    [
        "{",
        "[]",
        '{"image_processor_type": "NoSuchProcessor"}',
        '{"image_processor_type": "VideoMAEImageProcessor", "image_std": [0, 0, 0]}',
        '{"image_processor_type": "VideoMAEImageProcessor", "image_mean": "dark"}',
        '{"image_processor_type": "VideoMAEImageProcessor", "rescale_factor": 0}',
    ],
)
def test_a_preprocessor_that_is_of_no_use_is_refused(tmp_path: Path, preprocessor: str) -> None:
    make("VideoMAE", tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(preprocessor)
    with pytest.raises(InputError) as caught:
        load_model(f"hf/{tmp_path}")
    assert "\n" not in str(caught.value)
    load_model(f"hf/{tmp_path}", mean=0.5, std=0.5)


def test_random_weights_are_told(tmp_path: Path) -> None:
    network = make("VideoMAE", tmp_path, IMAGES)
    model = load_model(f"hf/{tmp_path}", weights="none")
    (warning,) = model.warnings
    assert warning.startswith("random weights: hf/")
    assert "--weights DEFAULT" in warning

    # Weights of the encoder alone: transformers makes up the classifier.
    network.videomae.save_pretrained(tmp_path)  # type: ignore[union-attr,operator]
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"id2label": TINY["id2label"]}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = load_model(f"hf/{tmp_path}")
    (warning,) = encoder.warnings
    assert "classifier.weight" in warning
    assert "freshly initialized" in warning
    with torch.no_grad():
        encoder.backbone.get_parameter("classifier.weight").add_(1)
    assert encoder.warnings == ()


def test_its_weights_are_saved_and_found_again_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "videomae"
    make("VideoMAE", folder, IMAGES)
    clips = torch.rand(2, 3, 4, 32, 32)
    model = load_model(f"hf/{folder}")
    assert (model.num_classes, model.input_shape) == (3, (3, 4, 32, 32))
    assert model.classes == tuple(NAMES)
    with pytest.warns(UserWarning, match="classifier.weight"):
        model = load_model(f"hf/{folder}", num_classes=5)
    assert model(clips).shape == (2, 5)
    assert any("random last layer" in warning for warning in model.warnings)
    save_weights(model, tmp_path / "five.safetensors")
    moved = folder.rename(tmp_path / "moved")
    # Its notes say what the file said.
    (moved / "preprocessor_config.json").unlink()
    again: VideoModel = load_model(f"hf/{moved}", weights=tmp_path / "five.safetensors")
    assert again.warnings == ()
    torch.testing.assert_close(again(clips), model(clips))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that does not answer, as soon as it is asked."""
    import huggingface_hub

    def fail(*_: object, timeout: float | None = None, **__: object) -> None:
        assert timeout is not None
        assert timeout <= 10
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", fail)


def test_a_name_without_a_network_is_one_line_at_once(
    no_network: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    start = time.monotonic()
    with pytest.raises(
        InputError, match="not in the cache, and the hub cannot be reached"
    ) as error:
        load_model("hf/somebody/no-such-model-anywhere")
    assert time.monotonic() - start < 5
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_a_folder_that_is_misspelt_is_asked_for(
    no_network: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("VideoMAE", tmp_path / "videomae-tuned", IMAGES)
    monkeypatch.chdir(tmp_path)
    for spec in (f"hf/{tmp_path}/videomae-tund", "hf/videomae-tund", "videomae-tund"):
        with pytest.raises(InputError, match=r"did you mean hf/\S*videomae-tuned\?"):
            load_model(spec)
    with pytest.raises(InputError, match="did you mean hf/videomae-tuned, a folder"):
        load_model("videomae-tuned")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"folder has no config\.json"):
        load_model("hf/empty")
    with pytest.raises(InputError, match="no such folder"):
        load_model(f"hf/{tmp_path}/nowhere/at/all")


def test_transformers_is_only_imported_when_it_is_needed() -> None:
    code = "import advvid.cli.app, advvid.models, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"transformers", "huggingface_hub"} & set(done.stdout.split())
