"""Ways to make a model look robust by spoiling its gradients, and wrappers that spoil nothing.

Each is a function of (model, clips) that gives logits: `Wrapped(model, MASKS["rounding"])`.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.clip_models import CLASSES

Model = Callable[[Tensor], Tensor]
Wrapper = Callable[[Model, Tensor], Tensor]
"""(model, clips (B, 3, T, H, W)) -> what the wrapped model answers, (B, K)."""


class Wrapped(nn.Module):
    """A model behind a wrapper."""

    def __init__(self, inner: nn.Module, wrapper: Wrapper) -> None:
        super().__init__()
        self.inner, self.wrapper = inner, wrapper
        self.num_classes = getattr(inner, "num_classes", CLASSES)

    def forward(self, clips: Tensor) -> Tensor:
        return self.wrapper(self.inner, clips)


class _Backward(torch.autograd.Function):
    """The identity, with another gradient."""

    @staticmethod
    def forward(ctx: Any, clips: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.change = change
        return clips.view_as(clips)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.change(gradient), None


def with_gradient(change: Callable[[Tensor], Tensor]) -> Wrapper:
    """Right answers, and a gradient that `change` has gone over."""
    return lambda model, clips: model(_Backward.apply(clips, change))


def with_decoy(answer: Wrapper, decoy: Wrapper) -> Wrapper:
    """The answers of one, with the gradient of another (a straight-through trick)."""

    def wrapper(model: Model, clips: Tensor) -> Tensor:
        shown = decoy(model, clips)
        return answer(model, clips).detach() + shown - shown.detach()

    return wrapper


def _rounded(levels: int, *, through: bool = False) -> Wrapper:
    def wrapper(model: Model, clips: Tensor) -> Tensor:
        rounded = torch.round(clips * (levels - 1)) / (levels - 1)
        return model(clips + (rounded - clips).detach() if through else rounded)

    return wrapper


def _one_hot(model: Model, clips: Tensor) -> Tensor:
    logits = model(clips)
    return F.one_hot(logits.argmax(1), logits.shape[1]) + 0 * logits


def _plain(model: Model, clips: Tensor) -> Tensor:
    return model(clips)


def _scaled(factor: float) -> Wrapper:
    return lambda model, clips: factor * model(clips)


def _noisy(size: float, *, when: Callable[[Tensor], bool] = lambda clips: True) -> Wrapper:
    def wrapper(model: Model, clips: Tensor) -> Tensor:
        return model(clips + size * torch.randn_like(clips) if when(clips) else clips)

    return wrapper


def _content_noise(model: Model, clips: Tensor) -> Tensor:
    """Noise that is the same for the same clip and another for any other."""
    noise = []
    for clip in clips.detach():
        seed = hash(tuple((clip.flatten()[::7] * 1e6).long().tolist())) % 2**31
        noise.append(torch.randn(clip.shape, generator=torch.Generator().manual_seed(seed)))
    return model(clips + 0.1 * torch.stack(noise))


def _dropout(model: Model, clips: Tensor) -> Tensor:
    return model(F.dropout(clips, 0.3))


def _frame_drop(model: Model, clips: Tensor) -> Tensor:
    """Some frames repeat the one before."""
    kept = torch.rand(clips.shape[2]) < 0.6
    kept[0] = True
    return model(clips[:, :, torch.arange(len(kept)).where(kept, 0).cummax(0).values])


def _random_resize(model: Model, clips: Tensor) -> Tensor:
    frames, height, width = clips.shape[2:]
    side = int(torch.randint(int(0.75 * width), width + 1, ()))
    small = F.interpolate(clips, (frames, side, side), mode="trilinear")
    left, top = (int(torch.randint(width - side + 1, ())) for _ in range(2))
    return model(F.pad(small, (left, width - side - left, top, height - side - top)))


def _shattered(model: Model, clips: Tensor) -> Tensor:
    """A ripple that is too small to change an answer and steeper than all else."""
    return model(clips + 0.002 * torch.sin(8000 * clips))


def _batch_normalized(model: Model, clips: Tensor) -> Tensor:
    """Each pixel less its mean over the batch: what one clip gains, the others lose."""
    return model((clips - 0.5 * clips.mean(0, keepdim=True) + 0.25).clamp(0, 1))


def _batch_logits(model: Model, clips: Tensor) -> Tensor:
    logits = model(clips)
    return logits - logits.mean(0, keepdim=True)


def _pixels(model: Model, clips: Tensor) -> Tensor:
    """Something else that has a gradient."""
    classes = torch.arange(model(clips.detach()).shape[1])
    return 10 * torch.sin(clips.flatten(1).cumsum(1)[:, -1:] + classes)


def _frames(*kept: int) -> Wrapper:
    def change(gradient: Tensor) -> Tensor:
        mask = torch.zeros(gradient.shape[2])
        mask[[k % len(mask) for k in kept]] = 1
        return gradient * mask.view(1, 1, -1, 1, 1)

    return with_gradient(change)


def _channels(*kept: int) -> Wrapper:
    def change(gradient: Tensor) -> Tensor:
        mask = torch.zeros(3)
        mask[list(kept)] = 1
        return gradient * mask.view(1, 3, 1, 1, 1)

    return with_gradient(change)


def _flipped_frames(gradient: Tensor) -> Tensor:
    sign = torch.ones(gradient.shape[2])
    sign[1::2] = -1
    return gradient * sign.view(1, 1, -1, 1, 1)


def _fixed_signs(gradient: Tensor) -> Tensor:
    fixed = torch.Generator().manual_seed(0)
    return gradient * (torch.randint(2, gradient.shape[1:], generator=fixed) * 2 - 1)


def _other_model(model: Model, clips: Tensor) -> Tensor:
    """A random network of the same classes."""
    shape = (model(clips.detach()).shape[1], clips[0].numel() // 16)
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    pooled = F.avg_pool3d(clips, (1, 4, 4)).flatten(1)
    return torch.tanh(pooled - 0.5) @ weight.T


MASKS: dict[str, Wrapper] = {
    "rounding to 8 bits": _rounded(256),
    "rounding to 4 bits": _rounded(16),
    "logits scaled up": _scaled(1e4),
    "logits scaled down": _scaled(1e-4),
    "sigmoid": lambda model, clips: torch.sigmoid(model(clips)),
    "softmax": lambda model, clips: model(clips).softmax(1),
    "sharp softmax": lambda model, clips: (30 * model(clips)).softmax(1),
    "saturated tanh": lambda model, clips: torch.tanh(10 * model(clips)),
    "noise on pixels": _noisy(0.1),
    "noise when gradients are on": _noisy(0.5, when=lambda clips: torch.is_grad_enabled()),
    "noise of the content": _content_noise,
    "noise on logits": lambda model, clips: (
        (z := model(clips)) + 0.5 * z.detach().std() * torch.randn_like(z)
    ),
    "dropout of pixels": _dropout,
    "dropped frames": _frame_drop,
    "random resize": _random_resize,
    "detached": lambda model, clips: model(clips.detach()) + 0 * clips.sum(),
    "detached, decoy of pixels": with_decoy(_plain, _pixels),
    "detached, decoy of another model": with_decoy(_plain, _other_model),
    "one-hot": _one_hot,
    "one-hot, decoy of pixels": with_decoy(_one_hot, _pixels),
    "one-hot, decoy of another model": with_decoy(_one_hot, _other_model),
    "flipped signs": with_gradient(torch.neg),
    "flipped in every second frame": with_gradient(_flipped_frames),
    "random signs": with_gradient(lambda g: g * (torch.randint(2, g.shape) * 2 - 1)),
    "fixed random signs": with_gradient(_fixed_signs),
    "random gradient": with_gradient(lambda g: torch.randn_like(g) * g.std()),
    "shattered": _shattered,
    "gradient of reversed frames": with_gradient(lambda g: g.flip(2)),
    "gradient of shifted pixels": with_gradient(lambda g: g.roll((5, 5), (3, 4))),
    "gradient of the mean frame": with_gradient(
        lambda g: g.mean(2, keepdim=True).expand_as(g).contiguous()
    ),
    "gradient through one frame": _frames(-1),
    "gradient through half the frames": _frames(0, 1),
    "gradient through one channel": _channels(0),
    "gradient through two channels": _channels(0, 1),
    "gradient scaled": with_gradient(lambda g: 1e-3 * g),
    "batch-normalized pixels": _batch_normalized,
    "batch-normalized logits": _batch_logits,
}
"""Every one of them lets an attack fail that would succeed on the model, or tries to."""


def _resized(model: Model, clips: Tensor) -> Tensor:
    frames, height, width = clips.shape[2:]
    small = F.interpolate(clips, (frames, height * 3 // 4, width * 3 // 4), mode="trilinear")
    return model(F.interpolate(small, (frames, height, width), mode="trilinear"))


def _every_second_frame(model: Model, clips: Tensor) -> Tensor:
    return model(clips[:, :, ::2].repeat_interleave(2, 2))


def _gray(model: Model, clips: Tensor) -> Tensor:
    return model(clips.mean(1, keepdim=True).expand_as(clips))


HARMLESS: dict[str, Wrapper] = {
    "plain": _plain,
    "normalized": lambda model, clips: model((clips - 0.45) / 0.225 * 0.225 + 0.45),
    "resized": _resized,
    "every second frame": _every_second_frame,
    "one channel": lambda model, clips: model(clips[:, 1:2].expand_as(clips)),
    "gray": _gray,
    "smoothed": lambda model, clips: model(F.avg_pool3d(clips, 3, 1, 1, count_include_pad=False)),
    "gamma": lambda model, clips: model(clips.clamp_min(1e-3) ** 0.8),
    "temperature": _scaled(0.5),
    "log-softmax": lambda model, clips: model(clips).log_softmax(1),
    "rounding, straight-through": _rounded(256, through=True),
}
"""Wrappers that hide nothing."""
