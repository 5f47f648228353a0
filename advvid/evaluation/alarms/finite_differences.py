"""Does the gradient say what the loss does? Finite differences along random directions tell."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.attacks.core.ascent import input_gradient
from advvid.attacks.core.losses import other_classes, target_margin
from advvid.inference.frozen import Model
from advvid.random_streams import uniform

STEP = 1 / 255
"""Of the differences: one level of 8 bits, so that a model which rounds its clips answers it."""

_USUAL_PIXELS = 3 * 8 * 32 * 32
_FINER = 1 / 4

# Medians over 24 clips of the bundled model and of two adversarially trained ones: 0.92 to 0.99 as
# they are and behind wrappers that resize, smooth, choose frames or channels, or round
# straight-through. Behind masks: up to 0.63 through one channel of three, 0.48 with every second
# frame flipped or through half the frames, 0.26 and less for shattered, random and other gradients.
# (Through two channels of three it is 0.76 to 0.86: what is left out shows in another alarm.)
AGREES = 0.75
"""Correlation of gradients with finite differences that honest ones have."""

DIRECTIONS = 16
_BLOCK = 4
_CONCLUSIVE = 4.0
"""A variance so many times that of the noise is one that the model has caused."""
_VANISHES = 3.0


class Differences(NamedTuple):
    """What changes along each direction, and what the gradient has said of it, clip by clip."""

    measured: Tensor
    """(B, D): central differences of the margin."""
    predicted: Tensor
    """(B, D, C, T): gradient times direction, summed over the pixels of a frame and channel."""
    noise: Tensor
    """(B,): by which the margin differs between identical calls, or by rounding."""
    hidden_channels: Tensor
    """bool (B, C): the gradient is zero there, and the margin changes with the pixels."""
    hidden_frames: Tensor
    """bool (B, T)."""


def finer_step(clip_shape: Sequence[int]) -> float:
    """Give a step for large clips (C, T, H, W), where one level in every pixel is far.

    A quarter of a level, or less: as far, as a whole, as one level is in clips of 8 frames of
    32 x 32. Along a step of one level, the gradient of an undefended TSM network at 8 x 112 x 112
    predicts differences with a correlation of 0.70, along a quarter of it with 0.95.
    """
    return STEP * min(_FINER, math.sqrt(_USUAL_PIXELS / math.prod(clip_shape)))


def measure_differences(
    model: Model, clips: Tensor, labels: Tensor, seeds: Tensor, *, resolution: float, step: float
) -> Differences:
    """Compare the gradient of each margin with central differences of it.

    A direction has one random sign for each frame, channel and 4 x 4 block: over single pixels,
    random signs average out what the model sees. The margin is that over the runner-up of the
    clean clip, whose gradient does not jump from class to class.

    Args:
        model: clips -> logits, in evaluation mode.
        clips: (B, C, T, H, W) in [0, 1].
        labels: int64 (B,).
        seeds: int64 (B,), a random stream for each clip.
        resolution: relative, of the logits; no difference is finer.
        step: of the differences, a fraction of the pixel range.
    """
    with torch.no_grad():
        rivals = other_classes(model(clips), labels, 1).squeeze(1)

    def margin(logits: Tensor, labels: Tensor) -> Tensor:
        return target_margin(logits, labels, rivals)

    # A difference needs room on both sides.
    middle = clips.clamp(step, 1 - step)
    gradient, _, _ = input_gradient(model, middle, labels, margin)
    gradient = gradient.nan_to_num()
    measured, predicted = [], []
    with torch.no_grad():
        logits, again = model(middle), model(middle)
        rounding = resolution * logits.abs().amax(dim=1)
        noise = torch.maximum((margin(logits, labels) - margin(again, labels)).abs(), rounding)
        for draw in range(DIRECTIONS):
            direction = _block_signs(seeds, clips.shape[1:], draw)
            ahead, behind = (model(middle + side * direction) for side in (step, -step))
            measured.append((margin(ahead, labels) - margin(behind, labels)) / (2 * step))
            predicted.append((gradient * direction).sum(dim=(3, 4)))
        shifted = middle + step * _block_signs(seeds, clips.shape[1:], DIRECTIONS)
        least = noise * _CONCLUSIVE

        def hidden(axis: int) -> Tensor:
            others = [other for other in range(1, 5) if other != axis]
            zero = (gradient == 0).all(dim=3).all(dim=3).all(dim=3 - axis)
            zero &= ~zero.all(dim=1, keepdim=True)

            def answers(where: Tensor) -> Tensor:
                place = where.reshape(len(where), *(1 if k in others else -1 for k in range(1, 5)))
                changed = model(torch.where(place, shifted, middle))
                # Of this margin: a gradient of it need not follow what moves other classes only.
                return (margin(changed, labels) - margin(logits, labels)).abs() > least

            # All at once, and one by one only where something does answer.
            if not bool(zero.any()) or not bool((any_of := answers(zero) & zero.any(dim=1)).any()):
                return torch.zeros_like(zero)
            each = torch.eye(zero.shape[1], dtype=torch.bool, device=zero.device)
            alone = torch.stack([answers(one.expand_as(zero)) for one in each], dim=1)
            return zero & alone & any_of[:, None]

        channels, frames = hidden(1), hidden(2)
    return Differences(
        torch.stack(measured, dim=1), torch.stack(predicted, dim=1), noise, channels, frames
    )


def compare_differences(found: Differences, step: float) -> dict[str, Any]:
    """Say of all clips together how well, and at what scale, gradients predict differences.

    Args:
        found: differences of all clips.
        step: that they were measured with.

    Returns:
        "conclusive": the number of clips that tell, because what changes is more than noise;
        "agreement": the median over these of the correlation over directions (both have mean 0, so
        it is a cosine), None where fewer than half tell; "vanishing": of these, the clips whose
        differences are more than 3 times as large as predicted; "scale": the median of the slopes,
        differences over predictions; "frame_scales" and "channel_scales": the slope of each, from
        one linear fit to all clips, None where the gradient is zero, with "frame_errors" and
        "channel_errors", their standard errors; "hidden_frames" and "hidden_channels": clips (T,)
        and (C,) whose gradient is zero there though their answer is not constant.
    """
    measured, predicted = found.measured.double().numpy(), found.predicted.double().numpy()
    whole = predicted.sum(axis=(2, 3))
    # The difference of two answers, each with this noise, over two steps.
    floor = _CONCLUSIVE * float((found.noise.double() ** 2).mean()) / (2 * step) ** 2
    sizes, promised = (measured**2).mean(axis=1), (whole**2).mean(axis=1)
    tells = (promised > 0) & (np.maximum(sizes, promised) > floor)
    product = (measured * whole).mean(axis=1)[tells]
    norms = np.sqrt(sizes * promised)[tells]
    cosines = np.divide(product, norms, out=np.zeros_like(product), where=norms > 0)
    enough = 2 * len(cosines) >= len(sizes)
    values: dict[str, Any] = {
        "conclusive": int(tells.sum()),
        "vanishing": int((tells & (sizes > _VANISHES**2 * promised)).sum()),
        "agreement": float(np.median(cosines)) if enough else None,
        "scale": float(np.median(product / promised[tells])) if enough else None,
        "hidden_frames": found.hidden_frames.sum(dim=0).tolist(),
        "hidden_channels": found.hidden_channels.sum(dim=0).tolist(),
    }
    # Every clip has one vote, however steep it is.
    weights = np.divide(1, np.sqrt(sizes), out=np.zeros_like(sizes), where=tells & (sizes > 0))
    for name, axis in (("frame", 2), ("channel", 3)):
        parts = predicted.sum(axis=axis) * weights[:, None, None]
        fitted = _fit(parts.reshape(-1, parts.shape[2]), (measured * weights[:, None]).ravel())
        values[f"{name}_scales"], values[f"{name}_errors"] = fitted
    return values


def _fit(
    parts: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]
) -> tuple[Sequence[float | None], Sequence[float | None]]:
    """Fit whole = parts @ scales by least squares: scales and standard errors."""
    scales: list[float | None] = [None] * parts.shape[1]
    errors = scales.copy()
    there = np.flatnonzero((parts**2).sum(axis=0) > 0)
    if len(there) and len(whole) > 2 * len(there):
        known = parts[:, there]
        found, *_ = np.linalg.lstsq(known, whole, rcond=None)
        variance = ((whole - known @ found) ** 2).sum() / (len(whole) - len(there))
        spread = np.sqrt(variance * np.diag(np.linalg.pinv(known.T @ known)))
        for place, scale, error in zip(there, found, spread, strict=True):
            scales[place], errors[place] = float(scale), float(error)
    return scales, errors


def _block_signs(seeds: Tensor, shape: torch.Size, draw: int) -> Tensor:
    """Draw one sign for each frame, channel and block, (B, C, T, H, W)."""
    channels, frames, height, width = shape
    blocks = (channels, frames, -(-height // _BLOCK), -(-width // _BLOCK))
    signs = uniform(seeds, blocks, stream="probe direction", draw=draw).round_() * 2 - 1
    for axis in (3, 4):
        signs = signs.repeat_interleave(_BLOCK, dim=axis)
    return signs[..., :height, :width]
