"""What an attack must keep to: its bound and its support."""

from torch import Tensor

from advvid.attacks.core.balls import lengths
from advvid.attacks.core.linf_box import check_mask
from advvid.attacks.core.video_attack import Attacked, Norm
from advvid.evaluation.condition import TOLERANCE, Outcome, checked_pixels


def held_to_bound(
    name: str, clips: Tensor, attacked: Attacked | Outcome, *, eps: float, norm: Norm
) -> Tensor:
    """Check bound, pixel range and support of a result, and project the last rounding away.

    Args:
        name: of the attack, for the message.
        clips: clean, (B, 3, T, H, W).
        attacked: what the attack gave.
        eps: budget in this norm: of every pixel in Linf, of each whole clip in L2 and L1. An
            attack without a bound of its own ("none") is projected to the Linf budget, however far
            it went.
        norm: that `eps` bounds.

    Returns:
        Clips (B, 3, T, H, W) that keep to the budget and to [0, 1].

    Raises:
        RuntimeError: when the result is further away than the tolerance, or has changed what its
            support leaves out: a defect of the attack.
    """
    adversarial = checked_pixels(name, attacked.clips, clips.shape)
    delta = adversarial - clips
    every_pixel = norm in ("Linf", "none")
    # In float64: a sum over all pixels of a clip loses more than the tolerance in float32.
    distance = float(lengths(delta.double(), "Linf" if every_pixel else norm).max())
    if norm != "none" and distance > eps + TOLERANCE:
        raise RuntimeError(f"{name} left its bound: {norm} distance {distance:.7g}, eps {eps:.7g}")
    support = attacked.report.get("support")
    if support is not None and bool(delta.masked_fill(check_mask(support, clips), 0).any()):
        raise RuntimeError(f"{name} changed pixels that its support leaves out")
    if every_pixel:
        adversarial = adversarial.clamp(clips - eps, clips + eps)
    return adversarial.clamp(0, 1)
