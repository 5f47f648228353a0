"""The one loop of all attacks by steepest ascent: loss, ball and step size are holes."""

import torch
from torch import Tensor

from advvid.attacks.core.balls import Ball
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.losses import Loss, at_least_float32, is_adversarial
from advvid.errors import InputError
from advvid.inference.averaged import Averaged, log_mean_probability
from advvid.inference.frozen import Model


class NoGradientError(InputError):
    """The answers of a model do not depend on its clips in a way that torch can follow."""


def input_gradient(
    model: Model, clips: Tensor, labels: Tensor, loss: Loss
) -> tuple[Tensor, Tensor, Tensor]:
    """Differentiate the loss of each clip with respect to its pixels.

    Args:
        model: clips -> logits. Of an `Averaged` one, loss and gradient are the mean over its
            passes, one at a time.
        clips: (B, C, T, H, W).
        labels: int64 (B,).
        loss: see `advvid.attacks.core.losses`.

    Returns:
        The gradient (B, C, T, H, W), the losses (B,) and the logits (B, K), all detached.

    Raises:
        NoGradientError: when the logits do not depend on the clips in a way that torch can follow.
    """
    if isinstance(model, Averaged):
        each = [input_gradient(model.model, clips, labels, loss) for _ in range(model.draws)]
        gradients, values, answers = zip(*each, strict=True)
        mean_gradient, mean_value = sum(gradients) / len(each), sum(values) / len(each)
        return mean_gradient, mean_value, log_mean_probability(answers)
    with torch.enable_grad():
        clips = clips.detach().requires_grad_(True)
        logits = model(clips)
        losses = loss(at_least_float32(logits), labels)
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


def steepest_step_(clips: Tensor, gradient: Tensor, step: float | Tensor, ball: Ball) -> Tensor:
    """Advance clips, in place, by the steepest step of this length, then project.

    In a Linf box that is step * sign(gradient) (Kinfu and Vidal, Eq. 7). A NaN in the gradient
    moves nothing.
    """
    direction = ball.direction(clips, gradient)
    if isinstance(step, Tensor):
        clips.addcmul_(direction, step.expand_as(direction))
    else:
        clips.add_(direction, alpha=step)
    return ball.project_(clips)


def ascend(
    model: Model,
    start: Tensor,
    labels: Tensor,
    *,
    loss: Loss,
    ball: Ball,
    step: float | Tensor,
    steps: int,
    falling: bool = False,
    targeted: bool = False,
    early_stop: Settled | None = None,
) -> Tensor:
    """Run projected steepest ascent (descent when targeted) from a starting point.

    Args:
        model: clips -> logits, in evaluation mode.
        start: (B, C, T, H, W), inside the ball; it is not changed.
        labels: int64 (B,), true labels, or targets.
        loss: see `advvid.attacks.core.losses`.
        ball: where clips must stay; carries norm, budget, pixel range and support.
        step: one number, or (B, 1, 1, 1, 1); a length in the norm of the ball.
        steps: number of gradient steps.
        falling: shorten the step in equal parts, to step / steps at the end.
        targeted: descend to the label instead of ascending from it.
        early_stop: leave a clip alone once it is settled, and drop it from the batch. This asks
            the device for an answer in every step. None takes all steps.

    Returns:
        The last iterate, (B, C, T, H, W); with an early stop the settled one, otherwise the last
        that fooled the model, otherwise the last.
    """

    def signed(gradient: Tensor) -> Tensor:
        return -gradient if targeted else gradient

    if early_stop is None:
        clips = start.clone()
        for i in range(steps):
            gradient, _, _ = input_gradient(model, clips, labels, loss)
            length = step * (1 - i / steps) if falling else step
            steepest_step_(clips, signed(gradient), length, ball)
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
        clip_step = step[active] if isinstance(step, Tensor) else step
        clip_step = clip_step * (1 - i / steps) if falling else clip_step
        result[active] = steepest_step_(clips, signed(gradient), clip_step, ball.select(active))
    active = active[has_fooled[active]]
    if len(active) > 0:
        with torch.no_grad():
            fooled = is_adversarial(model(result[active]), labels[active], targeted)
        result[active[~fooled]] = fooling[active[~fooled]]
    return result
