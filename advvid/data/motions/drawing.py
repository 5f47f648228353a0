"""How a `motions` clip looks: soft-edged shapes on a textured background, with noise."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from advvid.data.motions.plan import MotionPlan

Plane = npt.NDArray[np.float32]


_intersection: Callable[[Plane, Plane], Plane] = np.maximum
_union: Callable[[Plane, Plane], Plane] = np.minimum


def _box(u: Plane, v: Plane, left: float, right: float, top: float, bottom: float) -> Plane:
    """Signed distance to an upright box (exact inside, a lower bound at the corners)."""
    half_width, half_height = (right - left) / 2, (bottom - top) / 2
    across = np.abs(u - (left + right) / 2) - half_width
    down = np.abs(v - (top + bottom) / 2) - half_height
    return _intersection(across, down)


def _bar(u: Plane, v: Plane) -> Plane:
    return _box(u, v, -1.0, 1.0, -0.34, 0.34)


def _angle(u: Plane, v: Plane) -> Plane:
    return _union(_box(u, v, -0.8, -0.2, -0.8, 0.8), _box(u, v, -0.8, 0.8, 0.2, 0.8))


def _tee(u: Plane, v: Plane) -> Plane:
    return _union(_box(u, v, -0.9, 0.9, -0.8, -0.25), _box(u, v, -0.28, 0.28, -0.8, 0.9))


def _wedge(u: Plane, v: Plane) -> Plane:
    side = (2 * np.abs(u) - (v + 1)) / math.sqrt(5)
    return _intersection(side, v - 0.75)


def _half_disk(u: Plane, v: Plane) -> Plane:
    return _intersection(np.sqrt(u * u + (v + 0.35) ** 2) - 1, -0.35 - v)


SHAPES: tuple[Callable[[Plane, Plane], Plane], ...] = (_bar, _angle, _tee, _wedge, _half_disk)
"""Signed distances in units of the radius; no shape looks the same after a turn below 180 degrees,
since every class uses all of them and two classes turn."""


def draw_shape(plan: MotionPlan, shape: int, size: int) -> Plane:
    """Share of each pixel the shape covers, (T, size, size) in [0, 1]; edges one pixel soft."""
    pixels = (np.arange(size) + 0.5) / size
    # The frame is a torus: what leaves on one side comes in on the other.
    dx = ((pixels - plan.x[:, None] + 0.5) % 1 - 0.5) / plan.radius[:, None]
    dy = ((pixels - plan.y[:, None] + 0.5) % 1 - 0.5) / plan.radius[:, None]
    cos, sin = np.cos(plan.angle)[:, None], np.sin(plan.angle)[:, None]

    def plane(across: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> Plane:
        return across.astype(np.float32)[:, None, :] + down.astype(np.float32)[:, :, None]

    distance = SHAPES[shape](plane(cos * dx, sin * dy), plane(-sin * dx, cos * dy))
    distance *= -(plan.radius * size).astype(np.float32)[:, None, None]
    distance += 0.5
    return np.clip(distance, 0, 1, out=distance)


def draw_background(size: int, rng: np.random.Generator) -> Plane:
    """A plain color under three plane waves, (3, size, size); periodic in both directions."""
    color = rng.uniform(0.3, 0.7, size=3)
    cycles = rng.integers(-4, 5, size=(3, 2))
    phases = rng.uniform(0, 2 * math.pi, size=3)
    amplitudes = rng.uniform(-0.05, 0.05, size=(3, 3))
    pixels = 2 * math.pi * (np.arange(size) + 0.5) / size
    across = cycles[:, :1] * pixels
    down = cycles[:, 1:] * pixels + phases[:, None]
    # cos(a + b) from one-dimensional waves: no trigonometry on the whole plane.
    waves = (
        np.cos(down)[:, :, None] * np.cos(across)[:, None, :]
        - np.sin(down)[:, :, None] * np.sin(across)[:, None, :]
    )
    texture = (amplitudes @ waves.reshape(3, -1)).reshape(3, size, size)
    background: Plane = (color[:, None, None] + texture).astype(np.float32)
    return background


def draw_clip(plan: MotionPlan, size: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw the clip of a plan with random shape, colors, texture and noise: uint8 (3, T, H, W)."""
    shape = int(rng.integers(len(SHAPES)))
    direction = rng.normal(size=3)
    difference = direction / np.abs(direction).max() * rng.uniform(0.32, 0.5)
    noise = rng.uniform(0.01, 0.03)
    background = draw_background(size, rng)
    cover = draw_shape(plan, shape, size) * plan.contrast.astype(np.float32)[:, None, None]

    clip = rng.standard_normal((3, *cover.shape), dtype=np.float32)
    clip *= noise
    clip += background[:, None]
    clip += difference.astype(np.float32)[:, None, None, None] * cover
    clip *= 255
    np.rint(clip, out=clip)
    return np.clip(clip, 0, 255, out=clip).astype(np.uint8)
