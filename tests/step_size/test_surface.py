"""What follows from a surface: best steps, their intervals, the law, files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from advvid.attacks import StepSizeLaw
from advvid.errors import InputError
from advvid.step_size import sweep_step_size
from advvid.step_size.surface import StepSizeSurface
from tests.clip_models import random_clips
from tests.step_size.test_sweep import EPS, classifier_for


def surface_with_best(steps: list[float], eps: list[float]) -> StepSizeSurface:
    """A surface whose loss is a parabola in log alpha with its vertex where it is told."""
    grid = np.tile(np.geomspace(0.1, 4, 16), (len(eps), 1)) / 255
    peak = np.array(steps)[:, None] / 255
    losses = -(np.log(grid / peak)[:, :, None, None] ** 2) * np.ones((1, 1, 3, 4))
    return StepSizeSurface(
        np.array(eps) / 255, grid, losses.astype(np.float32), np.ones(losses.shape, dtype=bool)
    )


def test_law_is_recovered_with_its_interval() -> None:
    law = surface_with_best([0.4, 1.0, 1.8, 2.6], [1, 4, 8, 12]).fit_law()
    assert law.slope == pytest.approx(0.2, rel=1e-4)
    assert law.intercept == pytest.approx(0.2, rel=1e-4)
    assert law.resolution == pytest.approx(40 ** (1 / 15) - 1)
    assert law.r_squared == pytest.approx(1)
    assert law(8 / 255) * 255 == pytest.approx(1.8, rel=1e-4)


def test_law_needs_two_budgets() -> None:
    with pytest.raises(InputError, match="at least 2 budgets"):
        surface_with_best([1.0], [4]).fit_law()
    assert surface_with_best([1.0, 2.0], [4, 8]).fit_law().slope_interval is None


def test_steps_that_are_all_the_same_give_no_interval() -> None:
    law = surface_with_best([0.1, 0.1, 0.1], [4, 8, 12]).fit_law()
    assert (law.slope, law.slope_interval, law.intercept_interval) == (0, None, None)


def test_best_says_when_it_lies_at_the_edge() -> None:
    rows = surface_with_best([0.1, 2.0, 4.0], [1, 4, 8]).best()
    assert [row.at_edge for row in rows] == [True, False, True]


def test_interval_of_the_best_step_widens_when_clips_disagree() -> None:
    eps, grid = np.array([8 / 255]), np.array([[1.0, 2.0]]) / 255
    agree = np.array([[1.0, 0.0]])[..., None, None] * np.ones((1, 2, 2, 16))
    disagree = agree.copy()
    disagree[0, 1, :, ::2] = 1.9
    rows = [
        StepSizeSurface(eps, grid, losses.astype(np.float32), losses > 0).best()[0]
        for losses in (agree, disagree)
    ]
    assert rows[0].interval == pytest.approx((1 / 255, 1 / 255))
    assert rows[1].interval == pytest.approx((1 / 255, 2 / 255))


def test_saved_and_loaded(tmp_path: Path) -> None:
    clips, labels = random_clips(2)
    surface = sweep_step_size(classifier_for(), clips, labels, eps=EPS, max_steps=2)
    for name in ("s.npz", "no-ending"):
        surface.save(tmp_path / name)
        loaded = StepSizeSurface.load(tmp_path / name)
        np.testing.assert_array_equal(loaded.losses, surface.losses)
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / "text.npz").write_text("no")
    (tmp_path / "empty.npz").touch()
    (tmp_path / "cut.npz").write_bytes((tmp_path / "s.npz").read_bytes()[:200])
    for bad in ("missing.npz", "text.npz", "empty.npz", "cut.npz"):
        with pytest.raises(InputError, match=bad):
            StepSizeSurface.load(tmp_path / bad)


def test_law_file_round_trip_and_its_errors(tmp_path: Path) -> None:
    law = StepSizeLaw(0.3, -0.1, (0.2, 0.4), None, 0.9, "test")
    law.save(tmp_path / "law.json")
    assert StepSizeLaw.load(tmp_path / "law.json") == law
    (tmp_path / "bad.json").write_text('{"slope": 1}')
    (tmp_path / "nan.json").write_text('{"slope": NaN, "intercept": 0}')
    (tmp_path / "short.json").write_text('{"slope": 1, "intercept": 0, "slope_interval": [1]}')
    for name in ("bad.json", "missing.json", "nan.json", "short.json"):
        with pytest.raises(InputError, match=name):
            StepSizeLaw.load(tmp_path / name)


def test_a_law_never_gives_a_step_of_zero() -> None:
    law = StepSizeLaw(0.2, -1.0)
    assert law(1 / 255) == pytest.approx(0.01 / 255)
    steps = law(torch.tensor([1 / 255, 12 / 255])) * 255
    torch.testing.assert_close(steps, torch.tensor([0.01, 1.4]))
