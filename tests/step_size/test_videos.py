"""Intervals of a sweep count videos, and not the clips that are cut from them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from advvid.cli.sweep_report import print_sweep
from advvid.data import DatasetClips, load_dataset
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.step_size import sweep_step_size
from advvid.step_size.optimum import resampled_interval
from advvid.step_size.pictures import law_figure
from advvid.step_size.surface import StepSizeSurface
from tests.clip_models import CLASSES, bent_model, random_clips

Numbers = npt.NDArray[np.float64]
Videos = npt.NDArray[np.int64]
GRID = np.array([0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0])
FEW: dict[str, Any] = {"eps": [2 / 255, 8 / 255, 12 / 255], "max_steps": 2, "refine": 1}


def curves(rng: np.random.Generator, videos: Videos, true: float) -> Numbers:
    """Losses (A, N) of clips whose best steps differ between videos, and less within one."""
    peaks = true + rng.normal(0, 0.35, len(videos))[videos] + rng.normal(0, 0.2, len(videos))
    bends = rng.uniform(0.5, 1.5, len(videos))
    losses: Numbers = 5 - bends * (np.log(GRID)[:, None] - peaks) ** 2
    return losses + rng.normal(0, 0.02, losses.shape)


def width(interval: tuple[float, float] | None) -> float:
    assert interval is not None
    return interval[1] - interval[0]


def test_clips_that_repeat_a_video_add_nothing() -> None:
    losses = curves(np.random.default_rng(0), np.arange(8), np.log(0.47))
    once = resampled_interval(GRID, losses)
    repeated = np.repeat(losses, 4, axis=1)
    assert resampled_interval(GRID, losses, np.arange(8)) == once
    assert resampled_interval(GRID, repeated, np.repeat(np.arange(8), 4)) == pytest.approx(once)
    # What it was when the clips were taken for independent: half as wide.
    assert width(resampled_interval(GRID, repeated)) < 0.6 * width(once)
    assert resampled_interval(GRID, repeated, np.zeros(32, dtype=np.int64)) is None


@pytest.mark.parametrize("videos", [2, 4, 8])
def test_intervals_cover_the_truth_as_often_as_they_say(videos: int) -> None:
    rng, true = np.random.default_rng(1), np.log(0.47)
    covered: list[bool] = []
    covered_by_clips: list[bool] = []
    for _ in range(80):
        of = np.repeat(np.arange(videos), rng.integers(1, 9, videos))
        losses = curves(rng, of, true)
        for units, found in ((of, covered), (None, covered_by_clips)):
            low, high = resampled_interval(GRID, losses, units) or (0, 0)
            found.append(low <= np.exp(true) <= high)
    # Give or take two standard errors of 80 draws.
    assert np.mean(covered) >= 0.9
    assert np.mean(covered_by_clips) < 0.8


def test_the_interval_of_the_law_holds_for_other_clips() -> None:
    """Each clip has a law of its own, a factor times the true one, so all budgets err together."""
    rng, eps, count = np.random.default_rng(2), np.array([1.0, 4, 8, 12]), 12
    ratios = np.geomspace(0.05, 3, 14)
    steps, true = eps[:, None] * ratios, 0.2 * (eps + 1)
    covered = []
    for _ in range(60):
        peaks = np.log(true)[:, None, None] + rng.normal(0, 0.4, count)
        losses = -((np.log(steps)[..., None] - peaks) ** 2)
        losses += rng.normal(0, 0.02, losses.shape)
        measured = np.repeat(losses[:, :, None], 2, axis=2).astype(np.float32)
        law = StepSizeSurface(eps / 255, steps / 255, measured, measured > 0).fit_law()
        assert law.slope_interval is not None
        covered.append(law.slope_interval[0] <= 0.2 <= law.slope_interval[1])
    # 95 of 100, less two standard errors of 60 draws. By the scatter about the line, as it was, 12
    # to 21 in 100.
    assert np.mean(covered) > 0.89


def test_videos_of_arrays_and_of_a_loader_are_counted_and_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    clips, labels = random_clips(8)
    names = ["a", "a", "b", "b", "c", "c", "d", "d"]
    classifier = VideoClassifier(bent_model(), input_shape=clips.shape[1:], nb_classes=CLASSES)
    found = sweep_step_size(classifier, clips, labels, videos=names, **FEW)
    loader = DataLoader(TensorDataset(clips, labels), batch_size=3)
    read = sweep_step_size(bent_model(), loader, videos=[7, 7, 3, 3, 5, 5, 1, 1], **FEW)
    alone = sweep_step_size(classifier, clips, labels, **FEW)
    assert found.best() == read.best()
    assert (found.units, alone.units) == (4, 8)
    assert found.to_dict()["videos"] == 4
    np.testing.assert_array_equal(found.losses, alone.losses)
    law = found.fit_law()
    assert "8 clips, 4 source videos" in law.source
    figure = law_figure(found, law)
    assert any("8 clips, 4 source videos" in axes.get_title() for axes in figure.axes)
    print_sweep(found, law)
    assert "PGD, 8 clips, 4 source videos, 2 steps" in capsys.readouterr().out
    found.save(tmp_path / "s.npz")
    assert StepSizeSurface.load(tmp_path / "s.npz").best() == found.best()
    one = sweep_step_size(classifier, clips, labels, videos=["mine"] * 8, **FEW)
    law = one.fit_law()
    assert (law.slope_interval, law.intercept_interval) == (None, None)
    print_sweep(one, law)
    text = capsys.readouterr().out
    assert "8 clips, 1 source video," in text
    assert text.count("one video") == len(FEW["eps"])
    assert "95%: slope" not in text


def test_equal_clips_are_one_unit() -> None:
    clips, labels = random_clips(3)
    found = sweep_step_size(bent_model(), torch.cat([clips] * 5), labels.repeat(5), **FEW)
    assert found.sample == "15 clips, 3 source videos"


def test_data_sets_bring_their_videos_along() -> None:
    class Halves(DatasetClips):
        def origin(self, position: int) -> Any:
            return super().origin(position)._replace(source=f"recording {position // 2}")

    source = Halves(load_dataset("motions", frames=4, size=8), 4)
    assert (
        sweep_step_size(bent_model(classes=10), source, **FEW).sample == "4 clips, 2 source videos"
    )
    with pytest.raises(InputError, match="brings its videos along"):
        sweep_step_size(bent_model(classes=10), source, videos=["a"] * 4, **FEW)
    with pytest.raises(InputError, match="brings its videos along"):
        sweep_step_size(bent_model(classes=10), source.dataset, videos=["a"] * 4, **FEW)


@pytest.mark.parametrize("given", [["a"], "ab", [0.5, 1.0], [True, False], 3, [["a"], ["b"]]])
def test_other_videos_are_refused(given: Any) -> None:
    clips, labels = random_clips(2)
    for data in ((clips, labels), (TensorDataset(clips, labels),)):
        with pytest.raises(InputError, match="videos must be"):
            sweep_step_size(bent_model(), *data, videos=given, **FEW)


def test_what_is_no_number_of_a_video_is_refused_in_a_file(tmp_path: Path) -> None:
    clips, labels = random_clips(2)
    surface = sweep_step_size(bent_model(), clips, labels, **FEW)
    surface.save(tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz") as arrays:
        content = dict(arrays)
    for videos in (np.zeros(3, dtype=np.int64), np.zeros(2), np.array(["a", "b"])):
        np.savez(tmp_path / "bad.npz", **{**content, "videos": videos})
        with pytest.raises(InputError, match=r"bad\.npz: .* videos must be whole numbers"):
            StepSizeSurface.load(tmp_path / "bad.npz")
    del content["videos"]
    np.savez(tmp_path / "old.npz", **content)
    assert StepSizeSurface.load(tmp_path / "old.npz").units == 2
