"""What every attack checks before it begins."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from advvid.attacks.core.settings import NormName, check_norm_budget
from advvid.checks import (
    check_clips,
    check_count,
    check_label_form,
    check_labels,
)
from advvid.errors import InputError
from advvid.inference.probe import probe_model
from advvid.methods import check_setting
from advvid.methods.arguments import checked

Attack = TypeVar("Attack", bound=Callable[..., Any])


def checked_batch(
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor | None = None,
    norm: str = "Linf",
    **counts: int,
) -> Tensor:
    """Check clips, labels, budget and counts, and detach the clips.

    Args:
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        eps: budget, one for all or (B,), in (0, 1] under Linf; None where there is none.
        norm: that it bounds.
        counts: by name, such as steps and restarts, each at least 1.

    Raises:
        InputError: naming what cannot be used.
    """
    clips = clips.detach()
    check_clips(clips)
    check_label_form(labels, len(clips))
    if int(labels.min()) < 0:
        raise InputError(f"labels must be class indices from 0; got {int(labels.min())}")
    check_setting("norm", norm, NormName)
    if eps is not None:
        check_norm_budget(norm, eps)
    for name, count in counts.items():
        check_count(name, count)
    return clips


def clip_attack(attack: Attack) -> Attack:
    """Check the types of arguments, and say what was wrong with the model where an attack fails.

    Whether a model gives logits, and how many classes it has, shows only when it is asked. That
    costs a pass, so it is asked once more only after an error.

    Args:
        attack: a function (model, clips, labels, ...).

    Raises:
        InputError: when called: in place of an error of torch that the arguments account for.
    """
    inner = checked(attack)

    @wraps(attack)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return inner(*args, **kwargs)
        except (InputError, torch.OutOfMemoryError):
            raise
        except Exception:
            given = dict(zip(("model", "clips", "labels"), args, strict=False)) | kwargs
            _explain(given["model"], given["clips"], given["labels"])
            raise

    return cast(Attack, call)


def _explain(model: Any, clips: Any, labels: Any) -> None:
    """Raise an InputError when the model gives no logits, or has fewer classes than labels.

    What the model itself raises stays as it is: only its author can read it.
    """
    try:
        logits = probe_model(model, clips[:1])
    except InputError as error:
        if error.__cause__ is None:
            raise
        return
    check_labels(labels, len(clips), logits.shape[1])
