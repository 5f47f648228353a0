"""Losses that attacks maximize, one number a clip.

An untargeted attack maximizes the loss at the true label; a targeted one minimizes it at the
target.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from advvid.errors import InputError

Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits (B, K), labels (B,)) -> loss (B,); larger means more adversarial."""


def log_odds(logits: Tensor, labels: Tensor) -> Tensor:
    """log sum_{k != y} exp z_k - z_y, the cross-entropy as attacks follow it.

    Cross-entropy is log(1 + exp(log odds)): it rises where this rises, and its gradient has the
    same direction, only shorter by the probability of an error. In float32 that factor rounds to 0
    for confident models, and an attack on cross-entropy itself stands still; this never does.
    """
    return _others(logits, labels).logsumexp(dim=1) - _own(logits, labels)


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """max_{k != y} z_k - z_y, above 0 exactly when the clip is misclassified.

    It is f_6 of Carlini and Wagner 2017 ("Towards evaluating the robustness of neural networks",
    sec. V-A) with the sign turned and without its lower bound.
    """
    return _others(logits, labels).amax(dim=1) - _own(logits, labels)


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """Difference of logits ratio: (max_{k != y} z_k - z_y) / (z_(1) - z_(3)).

    z_(1) >= z_(2) >= ... are the sorted logits. Invariant to shift and scale of the logits, so
    that a model cannot hide behind saturated probabilities (Croce and Hein 2020, "Reliable
    evaluation of adversarial robustness", Eq. 6).

    Raises:
        InputError: with fewer than 3 classes, where the ratio is not defined.
    """
    if logits.shape[1] < 3:
        raise InputError(f"the DLR loss needs at least 3 classes; got {logits.shape[1]}: use 'ce'")
    top = logits.topk(3, dim=1).values
    return margin(logits, labels) / (top[:, 0] - top[:, 2] + 1e-12)


LOSSES: dict[str, Loss] = {"ce": log_odds, "dlr": dlr, "cw": margin}
"""What each name lets an attack follow. "ce", the loss of PGD (Kinfu and Vidal 2022, Eq. 6), is
cross-entropy in a form that does not vanish."""


def resolve_loss(loss: str | Loss) -> Loss:
    """Turn a name of `LOSSES` into its function; what another function gives is looked at.

    Raises:
        InputError: when there is no loss of that name; later, when a function does not give (B,).
    """
    if callable(loss) and not isinstance(loss, type):
        return partial(_one_a_clip, loss)
    if loss not in LOSSES:
        raise InputError(f"unknown loss {loss!r}; choose from {', '.join(LOSSES)}")
    return LOSSES[loss]


def _one_a_clip(loss: Loss, logits: Tensor, labels: Tensor) -> Tensor:
    losses = loss(logits, labels)
    if not isinstance(losses, Tensor) or losses.shape != logits.shape[:1]:
        got = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
        raise InputError(
            f"the loss must give one number for each of {len(logits)} clips, ({len(logits)},); got "
            f"{got}: losses of torch do with reduction='none'"
        )
    return losses


def targeted_dlr(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Difference of logits ratio toward a target: (z_t - z_y) / (z_(1) - (z_(3) + z_(4)) / 2).

    Args:
        logits: (B, K).
        labels: int64 (B,), true labels.
        targets: int64 (B,), classes that are not the label.

    Returns:
        (B,); above 0 when the target beats the label.

    Raises:
        InputError: with fewer than 4 classes, where the ratio is not defined.

    Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness", Eq. 7.
    """
    if logits.shape[1] < 4:
        raise InputError(
            f"the targeted DLR loss needs at least 4 classes; got {logits.shape[1]}: use 'cw'"
        )
    top = logits.topk(4, dim=1).values
    scale = top[:, 0] - 0.5 * (top[:, 2] + top[:, 3])
    return target_margin(logits, labels, targets) / (scale + 1e-12)


def target_margin(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """z_t - z_y, (B,): by how much the target beats the label."""
    return (logits.gather(1, targets[:, None]) - logits.gather(1, labels[:, None])).squeeze(1)


def other_classes(logits: Tensor, labels: Tensor, count: int) -> Tensor:
    """Give the most likely classes that are not the label, the most likely first.

    Args:
        logits: (B, K).
        labels: int64 (B,).
        count: how many, at most K - 1.

    Returns:
        int64 (B, count).
    """
    return _others(logits, labels).topk(min(count, logits.shape[1] - 1), dim=1).indices


def is_adversarial(logits: Tensor, labels: Tensor, targeted: bool) -> Tensor:
    """Tell which clips (B,) are fooled: not the label, or the target when targeted."""
    predicted = logits.argmax(dim=1)
    return predicted == labels if targeted else predicted != labels


def at_least_float32(logits: Tensor) -> Tensor:
    """Widen logits of half precision, in which differences round to 0; keep float64."""
    return logits.float() if logits.dtype.itemsize < 4 else logits


def _own(logits: Tensor, labels: Tensor) -> Tensor:
    """Give the logit of the label, (B,)."""
    return logits.gather(1, labels[:, None]).squeeze(1)


def _others(logits: Tensor, labels: Tensor) -> Tensor:
    """Give the logits with that of the label out of the way, (B, K)."""
    return logits.scatter(1, labels[:, None], -torch.inf)
