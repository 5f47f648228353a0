"""Run a model once on a few clips, before any long work starts."""

import torch
from torch import Tensor, nn

from advvid.errors import InputError
from advvid.inference.frozen import frozen


def probe_model(model: nn.Module, clips: Tensor) -> Tensor:
    """Run a model once in evaluation mode.

    Args:
        model: clips -> logits (B, K).
        clips: a few clips (B, 3, T, H, W), on the device of the model.

    Returns:
        The logits (B, K).

    Raises:
        InputError: in one line, when the model fails on them or gives no logits.
    """
    name, shape = getattr(model, "spec", type(model).__name__), tuple(clips.shape)
    try:
        with frozen(model), torch.no_grad():
            logits = model(clips)
    except (InputError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        # A model is somebody else's code and may fail with anything.
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"{name} fails on clips of shape {shape}: {reason[0]}") from error
    logits = getattr(logits, "logits", logits)
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(clips):
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(
            f"{name} must give logits ({len(clips)}, K) for clips of shape {shape}; got {got}"
        )
    return logits
