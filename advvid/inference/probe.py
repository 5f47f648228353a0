"""Run a model once on a few clips, before any long work starts."""

from typing import Any

import torch
from torch import Tensor, nn

from advvid.errors import InputError, first_line
from advvid.inference.frozen import frozen, logits_of
from advvid.inference.layouts import LAYOUTS, spell_axes, to_layout


def probe_model(model: nn.Module, clips: Tensor) -> Tensor:
    """Run a model once in evaluation mode.

    Args:
        model: clips -> logits (B, K).
        clips: a few clips (B, 3, T, H, W), on the device of the model.

    Returns:
        The logits (B, K).

    Raises:
        InputError: in one line, when the model fails on them or gives no logits; where it takes
            them in another layout, the line says in which.
    """
    name, shape = getattr(model, "spec", type(model).__name__), tuple(clips.shape)
    try:
        with frozen(model), torch.no_grad():
            logits = logits_of(model(clips))
    except (InputError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        # A model is somebody else's code and may fail with anything.
        raise InputError(
            f"{name} fails on clips of shape {shape}: "
            f"{_other_layout(model, clips) or first_line(error)}"
        ) from error
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(clips):
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(
            f"{name} must give logits ({len(clips)}, K) for clips of shape {shape}; got {got}"
        )
    return logits


def _other_layout(model: nn.Module, clips: Tensor) -> str:
    """Say in which other layout the model takes the clips; nothing where it takes none."""
    for layout in LAYOUTS:
        try:
            with frozen(model), torch.no_grad():
                # A VideoModel has a layout of its own, which is what may be wrong.
                call_in: Any = getattr(model, "call_in", None)
                plain = call_in is None
                answer = model(to_layout(clips, layout)) if plain else call_in(layout, clips)
        except Exception:
            # It is somebody else's code, and was only asked whether it works.
            continue
        logits = logits_of(answer)
        if isinstance(logits, Tensor) and logits.ndim == 2 and len(logits) == len(clips):
            return (
                f"it takes {spell_axes(layout)}: say so, with `layout={layout}` where it is "
                f"loaded, or VideoModel(network, layout={layout!r})"
            )
    return ""
