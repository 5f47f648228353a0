"""Where the best step lies, against optima known in closed form and an exhaustive search."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import advvid
from advvid.attacks import linf_pgd
from advvid.step_size import sweep_step_size
from advvid.step_size.optimum import best_step_sizes, finer_step_sizes, resampled_interval
from advvid.step_size.surface import StepSizeSurface

Numbers = npt.NDArray[np.float64]

GRID = np.array([0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0])


def curve(steps: Numbers, peak: float, bend: float = 1.0) -> Numbers:
    return 5 - bend * np.log(steps / peak) ** 2


@given(peak=st.floats(0.1, 2.0), bend=st.floats(0.1, 10))
def test_the_vertex_of_a_parabola_is_found_between_the_steps_measured(
    peak: float, bend: float
) -> None:
    (found,) = best_step_sizes(GRID, curve(GRID, peak, bend)[None])
    assert found == pytest.approx(peak, rel=1e-6)


def test_the_edge_and_a_curve_that_does_not_bend_give_a_step_that_was_measured() -> None:
    rising, falling = np.log(GRID), -np.log(GRID)
    spike = np.where(np.arange(len(GRID)) == 5, 1.0, 0.0)
    flat = np.zeros(len(GRID))
    found = best_step_sizes(GRID, np.stack([rising, falling, spike, flat]))
    assert found[:2].tolist() == [GRID[-1], GRID[0]]
    assert GRID[4] < found[2] < GRID[6]
    assert found[3] == GRID[0]


@given(st.integers(0, 10_000))
def test_the_best_lies_between_the_neighbors_of_the_best_measured(seed: int) -> None:
    losses = np.random.default_rng(seed).normal(size=(5, len(GRID)))
    found = best_step_sizes(GRID, losses)
    for best, peak in zip(found, losses.argmax(axis=1), strict=True):
        near = np.abs(np.log(GRID / GRID[peak])) <= np.log(1.5) + 1e-9
        near[max(peak - 1, 0) : peak + 2] = True
        assert GRID[near].min() <= best <= GRID[near].max()


def test_further_steps_lie_between_the_best_and_its_neighbors() -> None:
    steps = np.array([[1.0, 2.0, 8.0], [1.0, 2.0, 8.0], [1.0, 2.0, 8.0]])
    finer = finer_step_sizes(steps, np.eye(3)[[1, 0, 2]], 2)
    np.testing.assert_allclose(
        finer, [[2**0.5, 4], [2 ** (1 / 3), 2 ** (2 / 3)], [2 * 4 ** (1 / 3), 2 * 4 ** (2 / 3)]]
    )


def test_an_interval_has_width_where_every_clip_peaks_nearest_to_the_same_step() -> None:
    """The best of a grid was the same for every resample, and the interval a point."""
    peaks = np.linspace(0.36, 0.44, 16)
    losses = np.stack([curve(GRID, peak) for peak in peaks], axis=1)
    assert (losses.argmax(axis=0) == 5).all()
    interval = resampled_interval(GRID, losses)
    assert interval is not None
    assert 0.36 < interval[0] < 0.395
    assert 0.405 < interval[1] < 0.44
    assert resampled_interval(GRID, losses[:, :1]) is None


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """16 clips with peaks and bends of their own: the best step of all is sum(b log p) / sum(b)."""
    rng = np.random.default_rng(0)
    true = np.log(0.47)
    covered, covered_by_percentiles = [], []
    for _ in range(200):
        peaks, bends = rng.normal(true, 0.4, 16), rng.uniform(0.5, 1.5, 16)
        losses = 5 - bends * (np.log(GRID)[:, None] - peaks) ** 2
        losses += rng.normal(0, 0.02, losses.shape)
        low, high = resampled_interval(GRID, losses) or (0, 0)
        covered.append(low <= np.exp(true) <= high)
        weights = rng.multinomial(16, np.full(16, 1 / 16), size=400) / 16
        drawn = best_step_sizes(GRID, weights @ losses.T)
        low, high = np.quantile(drawn, [0.025, 0.975])
        covered_by_percentiles.append(low <= np.exp(true) <= high)
    # 95 of 100, give or take two standard errors of 200 draws.
    assert 0.92 <= np.mean(covered) <= 0.985
    assert np.mean(covered) > np.mean(covered_by_percentiles)


def test_the_best_step_is_that_of_an_exhaustive_search() -> None:
    """On the bundled model, each step of the search an independent run of PGD."""
    model = advvid.load_model("motions-r3d")
    clips, labels = advvid.load_dataset("motions").sample(6, seed=0)
    eps, steps, coarse = 4 / 255, 5, [0.1, 0.2, 0.4, 0.8]
    surface = sweep_step_size(
        advvid.VideoClassifier(model), clips, labels, eps=eps, step_ratios=coarse, max_steps=steps
    )
    (best,) = surface.best()
    assert best.resolution == pytest.approx(2 ** (1 / 3) - 1)
    assert best.loss == surface.loss[0, :, -1].max()

    def loss_at(step: float) -> float:
        attacked = linf_pgd(model, clips, labels, eps=eps, step_size=step, steps=steps)
        with torch.no_grad():
            return float(F.cross_entropy(model(attacked), labels))

    ratios = np.geomspace(0.12, 0.8, 20)
    losses = np.array([loss_at(ratio * eps) for ratio in ratios])
    assert loss_at(best.measured) == pytest.approx(best.loss, rel=1e-4)
    # Losses jump from one step to the next: a smooth curve through all tells where the top is, and
    # the spread around it what a single one is worth.
    smooth = np.polynomial.Polynomial.fit(np.log(ratios), losses, 4)
    fine = np.geomspace(0.12, 0.8, 1000)
    top = smooth(np.log(fine))
    spread = float((losses - smooth(np.log(ratios))).std(ddof=5))
    assert top.max() - smooth(np.log(best.step_size / eps)) < spread
    assert best.interval is not None
    assert best.interval[0] <= fine[top.argmax()] * eps <= best.interval[1]


def test_passes_are_counted_as_they_are_made() -> None:
    model = advvid.load_model("motions-r3d", weights="none").eval()
    clips, labels = advvid.load_dataset("motions").sample(2, seed=0)
    seen = [0, 0]
    model.register_forward_hook(
        lambda _, inputs, __: seen.__setitem__(
            int(inputs[0].requires_grad), seen[int(inputs[0].requires_grad)] + len(inputs[0])
        )
    )
    classifier = advvid.VideoClassifier(model)
    seen[:] = [0, 0]
    surface = sweep_step_size(
        classifier, clips, labels, eps=[4 / 255, 8 / 255], step_ratios=[0.1, 0.3, 1], max_steps=3
    )
    assert seen == [2 * surface.forwards, 2 * surface.gradients]
    assert isinstance(surface, StepSizeSurface)
