"""The one loop of all sign-gradient attacks: loss, support, step size and projection are holes."""

import torch
from torch import Tensor

from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.linf_box import Box
from advvid.attacks.core.losses import Loss, is_adversarial
from advvid.errors import InputError
from advvid.inference.frozen import Model


class NoGradientError(InputError):
    """The answers of a model do not depend on its clips in a way that torch can follow."""


def input_gradient(
    model: Model, clips: Tensor, labels: Tensor, loss: Loss
) -> tuple[Tensor, Tensor, Tensor]:
    """Differentiate the loss of each clip with respect to its pixels.

    Args:
        model: clips -> logits.
        clips: (B, C, T, H, W).
        labels: int64 (B,).
        loss: see `advvid.attacks.core.losses`.

    Returns:
        The gradient (B, C, T, H, W), the losses (B,) and the logits (B, K), all detached.

    Raises:
        NoGradientError: when the logits do not depend on the clips in a way that torch can follow.
    """
    with torch.enable_grad():
        clips = clips.detach().requires_grad_(True)
        logits = model(clips)
        losses = loss(logits.float() if logits.dtype.itemsize < 4 else logits, labels)
        try:
            (gradient,) = torch.autograd.grad(losses.sum(), clips)
        except RuntimeError as error:
            if logits.requires_grad and "appears to not have been used" not in str(error):
                raise
            raise NoGradientError(
                "the model gives no gradient with respect to its clips (a detach, no_grad or numpy "
                "inside): take an attack that needs none, such as square"
            ) from error
    return gradient, losses.detach(), logits.detach()


def sign_step_(clips: Tensor, gradient: Tensor, step: float | Tensor, box: Box) -> Tensor:
    """Advance clips, in place, by step * sign(gradient), then project (Kinfu and Vidal, Eq. 7).

    A NaN in the gradient moves nothing.
    """
    # Not in place: the gradient of a sum is one number, expanded.
    direction = gradient.sign().nan_to_num_(nan=0.0)
    if isinstance(step, Tensor):
        clips.addcmul_(direction, step.expand_as(direction))
    else:
        clips.add_(direction, alpha=step)
    return box.project_(clips)


def ascend(
    model: Model,
    start: Tensor,
    labels: Tensor,
    *,
    loss: Loss,
    box: Box,
    step: float | Tensor,
    steps: int,
    falling: bool = False,
    targeted: bool = False,
    early_stop: Settled | None = None,
) -> Tensor:
    """Run projected sign-gradient ascent (descent when targeted) from a starting point.

    Args:
        model: clips -> logits, in evaluation mode.
        start: (B, C, T, H, W), inside the box; it is not changed.
        labels: int64 (B,), true labels, or targets.
        loss: see `advvid.attacks.core.losses`.
        box: where clips must stay; carries budget, pixel range and support.
        step: one number, or (B, 1, 1, 1, 1); a fraction of the pixel range.
        steps: number of gradient steps.
        falling: shorten the step in equal parts, to step / steps at the end.
        targeted: descend to the label instead of ascending from it.
        early_stop: leave a clip alone once it is settled, and drop it from the batch. This asks
            the device for an answer in every step. None takes all steps.

    Returns:
        The last iterate, (B, C, T, H, W); with an early stop the settled one, otherwise the last
        that fooled the model, otherwise the last.
    """
    signed: float | Tensor = -step if targeted else step
    if early_stop is None:
        clips = start.clone()
        for i in range(steps):
            gradient, _, _ = input_gradient(model, clips, labels, loss)
            sign_step_(clips, gradient, signed * (1 - i / steps) if falling else signed, box)
        return clips

    result, fooling = start.clone(), start.clone()
    has_fooled = torch.zeros(len(start), dtype=torch.bool, device=start.device)
    active = torch.arange(len(start), device=start.device)
    for i in range(steps):
        clips = result[active]
        gradient, _, logits = input_gradient(model, clips, labels[active], loss)
        fooled = is_adversarial(logits, labels[active], targeted)
        undecided = early_stop(clips, fooled, active).logical_not_()
        fooling[active[fooled]] = clips[fooled]
        has_fooled[active[fooled]] = True
        active, clips, gradient = active[undecided], clips[undecided], gradient[undecided]
        if len(active) == 0:
            break
        clip_step = signed[active] if isinstance(signed, Tensor) else signed
        clip_step = clip_step * (1 - i / steps) if falling else clip_step
        result[active] = sign_step_(clips, gradient, clip_step, box.select(active))
    active = active[has_fooled[active]]
    if len(active) > 0:
        with torch.no_grad():
            fooled = is_adversarial(model(result[active]), labels[active], targeted)
        result[active[~fooled]] = fooling[active[~fooled]]
    return result
