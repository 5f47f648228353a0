"""Only time tells the classes apart: single frames have one distribution in all of them."""

import numpy as np
import pytest
from scipy import stats

from advvid.data.motions.plan import FAINT, MOTION_CLASSES, MotionPlan, plan_motion

PLANS = 1500


def plans(kind: str, frames: int = 8, count: int = PLANS) -> list[MotionPlan]:
    label = MOTION_CLASSES.index(kind)
    return [plan_motion(label, frames, np.random.default_rng((label, i))) for i in range(count)]


def wrapped(steps: np.ndarray, period: float) -> np.ndarray:
    return (steps + period / 2) % period - period / 2


@pytest.mark.parametrize("kind", MOTION_CLASSES)
@pytest.mark.parametrize("frames", [2, 3, 8, 16])
def test_each_class_changes_its_own_quantity_only(kind: str, frames: int) -> None:
    for plan in plans(kind, frames, 40):
        dx, dy = wrapped(np.diff(plan.x), 1), wrapped(np.diff(plan.y), 1)
        turn = np.diff(plan.angle)
        growth = np.diff(plan.radius)
        flat = np.zeros(frames - 1)
        sign = {"left": -1, "right": 1, "up": -1, "down": 1}.get(kind, 0)
        np.testing.assert_array_equal(np.sign(np.round(dx, 9)), flat + sign * (kind in "leftright"))
        np.testing.assert_array_equal(np.sign(np.round(dy, 9)), flat + sign * (kind in "updown"))
        sign = {"clockwise": 1, "counterclockwise": -1}.get(kind, 0)
        np.testing.assert_array_equal(np.sign(turn), flat + sign)
        sign = {"growing": 1, "shrinking": -1}.get(kind, 0)
        np.testing.assert_array_equal(np.sign(growth), flat + sign)
        assert set(plan.contrast) <= {1.0, FAINT}
        if kind != "blinking":
            assert len(set(plan.contrast)) == 1
        elif frames >= 8:
            assert len(set(plan.contrast)) == 2


@pytest.mark.parametrize("kind", MOTION_CLASSES)
def test_a_random_frame_has_the_same_distribution_in_every_class(kind: str) -> None:
    rng = np.random.default_rng(5)

    def frames_of(kind: str) -> np.ndarray:
        picked = [(plan, rng.integers(8)) for plan in plans(kind)]
        return np.array(
            [
                (p.x[t], p.y[t], p.angle[t] % (2 * np.pi), p.radius[t], p.contrast[t])
                for p, t in picked
            ]
        )

    ours, still = frames_of(kind), frames_of("still")
    for column in range(4):
        assert stats.ks_2samp(ours[:, column], still[:, column]).pvalue > 1e-4
    assert abs((ours[:, 4] == 1).mean() - 0.5) < 0.06


@pytest.mark.parametrize("kind", ["left", "right", "up", "down", "clockwise", "counterclockwise"])
def test_position_and_angle_are_uniform_in_the_first_frame_too(kind: str) -> None:
    all_plans = plans(kind)
    for series in (
        [p.x[0] for p in all_plans],
        [p.y[0] for p in all_plans],
        [p.angle[0] / (2 * np.pi) % 1 for p in all_plans],
    ):
        assert stats.kstest(series, "uniform").pvalue > 1e-4


def test_motions_are_large_enough_to_see() -> None:
    for kind, least in (("left", 0.3), ("down", 0.3)):
        for plan in plans(kind, count=100):
            series = plan.x if kind == "left" else plan.y
            assert abs(wrapped(np.diff(series), 1).sum()) >= least
    for plan in plans("clockwise", count=100):
        assert plan.angle[-1] - plan.angle[0] >= np.pi / 2
    for plan in plans("growing", count=100):
        assert plan.radius[-1] / plan.radius[0] >= 1.8
