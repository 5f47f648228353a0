"""What moves in a `motions` clip: position, angle, size and contrast of its shape."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOTION_CLASSES = (
    *("left", "right", "up", "down", "clockwise", "counterclockwise"),
    *("growing", "shrinking", "blinking", "still"),
)
"""Class names in label order; directions as a viewer of the clip sees them."""

FAINT = 0.4
"""Contrast of the faint state of a blinking shape, as a share of its full contrast."""

Series = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MotionPlan:
    """State of the shape in each of T frames; every series has shape (T,)."""

    x: Series
    """Center, in frame widths, on a circle: 0 and 1 are the same place."""
    y: Series
    """Center, in frame heights, downwards, on a circle."""
    angle: Series
    """Radians; grows when the shape turns clockwise on the screen."""
    radius: Series
    """Half the extent of the shape, in frame widths."""
    contrast: Series
    """Factor on the difference between shape and background: 1 or FAINT."""


def plan_motion(label: int, frames: int, rng: np.random.Generator) -> MotionPlan:
    """Draw the plan of one clip of class `label` (0 to 9) with `frames` >= 2 frames.

    Position and angle live on circles and start anywhere, so each frame of each class has the same
    distribution of both. Size and contrast walk through a fixed set of states in the classes that
    change them, and stay at one random state of the same set in the others. So a random frame
    has the same distribution in every class, and only the order of frames tells the label.
    """
    kind = MOTION_CLASSES[label]
    steps = np.arange(frames, dtype=np.float64)
    progress = steps / (frames - 1)

    # The caps keep few-frame clips from aliasing: beyond half a period a step reads backwards.
    travel = min(rng.uniform(0.32, 0.55), 0.35 * (frames - 1))
    turn = min(rng.uniform(0.55, 0.9) * math.pi, math.pi / 3 * (frames - 1))
    growth = rng.uniform(1.8, 2.3)
    blinks = min(rng.uniform(2.0, 3.5), frames / 2)

    x0, y0 = rng.uniform(size=2)
    angle0 = rng.uniform(0, 2 * math.pi)
    middle_radius = rng.uniform(0.17, 0.24)
    frozen_at = progress[rng.integers(frames)]
    bright = rng.uniform() < 0.5
    blink_phase = rng.uniform()

    along_x = {"left": -travel, "right": travel}.get(kind, 0.0)
    along_y = {"up": -travel, "down": travel}.get(kind, 0.0)
    turning = {"clockwise": turn, "counterclockwise": -turn}.get(kind, 0.0)
    size_state = {"growing": progress, "shrinking": 1 - progress}.get(
        kind, np.full(frames, frozen_at)
    )
    shown = (
        (blinks * steps / frames + blink_phase) % 1 < 0.5
        if kind == "blinking"
        else np.full(frames, bright)
    )
    return MotionPlan(
        x=(x0 + along_x * progress) % 1,
        y=(y0 + along_y * progress) % 1,
        angle=angle0 + turning * progress,
        radius=middle_radius * growth ** (size_state - 0.5),
        contrast=np.where(shown, 1.0, FAINT),
    )
