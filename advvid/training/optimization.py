"""Optimizer, parameter groups and the schedule of the learning rate."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from advvid.errors import InputError
from advvid.models import VideoModel
from advvid.training.settings import TrainSettings

MOMENTUM = 0.9
_LINEAR = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def learning_rate_factor(settings: TrainSettings, iteration: int, epoch_steps: int) -> float:
    """Give the learning rate of a step as a multiple of the peak, in (0, 1].

    A linear warmup to 1, then with p in [0, 1) the share of the remaining steps that is done:
    cosine (1 + cos(pi p)) / 2, step 0.1^(number of milestones up to p), or constant 1.

    Args:
        settings: epochs, warmup_epochs, schedule and milestones count.
        iteration: step counted from the start of the run, from 0.
        epoch_steps: steps in an epoch.

    Source: Loshchilov and Hutter 2017, Eq. 5, without restarts; He et al. 2016, section 4.2.
    """
    warmup = round(settings.warmup_epochs * epoch_steps)
    if iteration < warmup:
        return (iteration + 1) / warmup
    done = (iteration - warmup) / (settings.epochs * epoch_steps - warmup)
    if settings.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done))
    if settings.schedule == "step":
        return 1 / float(10 ** sum(done >= share for share in settings.milestones))
    return 1.0


def make_optimizer(
    model: nn.Module, settings: TrainSettings, *, num_classes: int
) -> torch.optim.Optimizer:
    """Make the optimizer over all parameters of a model that ask for a gradient.

    Each parameter group carries its peak learning rate as "peak_lr", see `set_learning_rate`.

    Raises:
        InputError: when there is nothing to train, or no classifier for `head_lr`.
    """
    trainable = [p for p in model.parameters() if p.requires_grad]
    if not trainable:
        raise InputError("no parameter of the model asks for a gradient: nothing to train")
    head: set[nn.Parameter] = set()
    if settings.head_lr != 1:
        head = set(classifier_head(model, num_classes).parameters())
    groups = []
    for in_head in (False, True):
        for decays in (True, False):
            members = [p for p in trainable if (p in head) == in_head and (p.ndim > 1) == decays]
            if members:
                peak = settings.lr * (settings.head_lr if in_head else 1.0)
                decay = settings.weight_decay if decays else 0.0
                groups.append(
                    {"params": members, "lr": peak, "peak_lr": peak, "weight_decay": decay}
                )
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=MOMENTUM)
    return torch.optim.AdamW(groups, lr=settings.lr)


@contextmanager
def adopted(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Take the learning rates of an optimizer as the peaks of their groups.

    On the way out each group has its own rate again, not the last of the schedule, which may be 0.
    """
    for group in optimizer.param_groups:
        group.setdefault("peak_lr", group["lr"])
    try:
        yield
    finally:
        # Looked up anew: a resume puts other groups into the optimizer.
        for group in optimizer.param_groups:
            group["lr"] = group.pop("peak_lr")


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group to its peak learning rate times `factor`."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor


def classifier_head(model: nn.Module, num_classes: int) -> nn.Module:
    """Find the layer that gives the logits.

    A `VideoModel` says where it is; elsewhere it is the last linear layer or convolution of that
    width.

    Raises:
        InputError: when no layer has `num_classes` outputs.
    """
    if isinstance(model, VideoModel) and model.head is not None:
        return model.backbone.get_submodule(model.head)
    found: nn.Module | None = None
    for module in model.modules():
        if isinstance(module, _LINEAR) and module.weight.shape[0] == num_classes:
            found = module
    if found is None:
        raise InputError(
            f"the model has no layer with {num_classes} outputs to give its own learning rate: "
            "leave head_lr at 1"
        )
    return found
