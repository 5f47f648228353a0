"""Ways of sampling the same videos, as conditions of clean accuracy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import advvid
from advvid.data.video.writing import write_video
from advvid.errors import InputError
from advvid.evaluation import DatasetClips, Evaluation, Sampling, evaluate
from tests.cli.run_command import CommandRunner

T, SIZE, VIDEOS = 4, 16, 12
Kind = Literal["uniform", "dense"]


class Brightest(nn.Module):
    """Three classes by brightness; unsure near their limits, so that averages matter."""

    num_classes = 3

    def forward(self, clips: Tensor) -> Tensor:
        levels = torch.tensor([0.2, 0.5, 0.8], device=clips.device)
        # Of the last frame alone, so that it matters which frames are taken.
        brightness = clips[:, :, -1].mean(dim=(1, 2, 3))
        return -40 * (brightness[:, None] - levels) ** 2


def videos() -> list[Tensor]:
    """Frames (3, N, H, W) of videos of several lengths, each frame of one gray."""
    rng = np.random.default_rng(0)
    grays = [rng.integers(0, 256, size=20 + 5 * i) for i in range(VIDEOS)]
    return [
        torch.from_numpy(gray.astype(np.uint8)).view(1, -1, 1, 1).expand(3, -1, SIZE, SIZE)
        for gray in grays
    ]


def expected(kind: Kind, clips: int, labels: list[int], order: list[int]) -> list[bool]:
    """Worked out frame by frame, without the package."""
    found = []
    for index, label in zip(order, labels, strict=True):
        video, scores = videos()[index], torch.zeros(3)
        count = video.shape[1]
        for k in range(clips):
            if kind == "uniform":
                place = (T - 1 + (k + 0.5) / clips) * count / T
            else:
                place = int((k + 0.5) / clips * (count - T)) + T - 1
            gray = float(video[0, int(place), 0, 0]) / 255
            scores += torch.softmax(-40 * (gray - torch.tensor([0.2, 0.5, 0.8])) ** 2, 0)
        found.append(int(scores.argmax()) == label)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index, video in enumerate(videos()):
        path = tmp_path / "data" / "abc"[index % 3] / f"{index:02d}.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, video)
    return tmp_path / "data"


@pytest.fixture
def run(folder: Path) -> Callable[..., Evaluation]:
    dataset = advvid.load_dataset(f"folder:{folder}", frames=T, size=SIZE, split="all")
    classifier = advvid.VideoClassifier(Brightest(), input_shape=(3, T, SIZE, SIZE), nb_classes=3)

    def evaluated(conditions: Any, **kwargs: Any) -> Evaluation:
        source = DatasetClips(dataset, **kwargs)
        options = {"attacks": [], "conditions": conditions, "batch_size": 5}
        return evaluate(classifier, source, **options)

    return evaluated


def order(folder: Path, found: Evaluation) -> list[int]:
    """Number of the video of each clip, in the order of the evaluation."""
    dataset = advvid.load_dataset(f"folder:{folder}", frames=T, size=SIZE, split="all")
    source = DatasetClips(dataset)
    places = [int(source.indices[place]) for place in found.positions]
    return [int(Path(dataset.identity(place).partition("#")[0]).stem) for place in places]


def test_scores_of_all_clips_of_a_video_are_averaged(
    run: Callable[..., Evaluation], folder: Path
) -> None:
    found = run(
        [
            "sampling:kind=uniform",
            "sampling:kind=uniform,clips=4",
            "sampling:kind=dense",
            Sampling("dense", clips=8),
        ]
    )
    numbers = order(folder, found)
    assert sorted(numbers) == list(range(VIDEOS))
    labels = found.labels.tolist()
    kinds: list[tuple[Kind, int]] = [("uniform", 1), ("uniform", 4), ("dense", 1), ("dense", 8)]
    for result, (kind, clips) in zip(found.results, kinds, strict=True):
        assert (result.name, result.strength.value, result.applied) == (kind, clips, VIDEOS)
        assert result.correct.tolist() == expected(kind, clips, labels, numbers)
        # Other frames are no change of pixels.
        assert not result.changes
    # Clips of the data set are uniform, one of each video.
    assert found.clean.tolist() == found.results[0].correct.tolist()
    assert len({tuple(result.correct) for result in found.results}) > 2
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in found.to_markdown().splitlines()
    ]
    assert lines[0] == ["sampling", "clean", "clips 1", "clips 4", "clips 8", "n", "seconds"]
    # There is no worst way of sampling.
    assert [line[0] for line in lines[2:]] == ["uniform", "dense"]
    assert found.to_dict()["worst"] == []


def test_a_stride_spreads_dense_frames(run: Callable[..., Evaluation]) -> None:
    found = run([Sampling("dense"), Sampling("dense", stride=4)])
    assert [result.name for result in found.results] == ["dense", "dense:stride=4"]
    assert found.results[0].loss.tolist() != found.results[1].loss.tolist()


def test_workers_and_resuming_change_nothing(run: Callable[..., Evaluation]) -> None:
    alone, shared = run(Sampling("dense", clips=3)), run(Sampling("dense", clips=3), workers=2)
    np.testing.assert_array_equal(alone.results[0].loss, shared.results[0].loss)


def test_a_video_that_cannot_be_read_is_named(run: Callable[..., Evaluation], folder: Path) -> None:
    video = next(folder.rglob("05.mkv"))
    video.write_bytes(video.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"05\.mkv"):
        run(Sampling("dense", clips=8))


def test_clips_that_come_from_no_video_are_refused() -> None:
    classifier = advvid.VideoClassifier(advvid.load_model("motions-r3d"))
    source = DatasetClips(advvid.load_dataset("motions"), 4)
    with pytest.raises(InputError, match="not taken from videos"):
        evaluate(classifier, source, attacks=[], conditions="sampling")


def test_the_command_samples_a_real_folder_beside_attacks(
    advvid_command: CommandRunner, folder: Path, tmp_path: Path
) -> None:
    done = advvid_command(
        "evaluate",
        *("--model", "motions-r3d", "--labels", "predicted", "--data", f"folder:{folder}"),
        *("--split", "all", "--clips", 4, "--attack", "pgd:max_iter=1", "--eps", 4),
        *("--condition", "sampling:kind=dense,clips=2", "--no-alarms", "--out", "run"),
    )
    assert done.code == 0, done.err
    table = (tmp_path / "run" / "table.md").read_text()
    assert "| dense" in table
    assert "| pgd:max_iter=1 |" in table
    content = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [row["kind"] for row in content["results"]] == ["attack", "sampling"]
    config = json.loads((tmp_path / "run" / "config.json").read_text())["settings"]
    assert config["conditions"][1]["settings"] == {"kind": "dense", "clips": 2, "stride": None}
    assert config["conditions"][0]["settings"]["max_iter"] == 1
    assert (tmp_path / "run" / "accuracy_sampling.png").exists()


@pytest.fixture
def advvid_command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> CommandRunner:
    return CommandRunner(monkeypatch, capfd, tmp_path)
