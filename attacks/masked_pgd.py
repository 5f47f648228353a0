"""PGD inside one patch, the same in every frame."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from advvid.attacks.core.losses import Loss
from advvid.attacks.core.masks import random_corner, rectangle_mask, rectangle_size
from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.pgd import LinfPGD, linf_pgd
from advvid.checks import check_clips
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model
from advvid.random_streams import clip_seeds


def masked_pgd(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    ratio: float = 0.15,
    size: tuple[int, int] | None = None,
    corner: tuple[int, int] | None = None,
    shared: bool = False,
    step_size: float | StepSizeLaw | None = None,
    steps: int = 20,
    random_start: bool = False,
    restarts: int = 1,
    targeted: bool = False,
    loss: str | Loss = "ce",
    early_stop: bool = False,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Attack clips by PGD inside one rectangle, the same in every frame.

    The rectangle has int(H sqrt(r)) rows and int(W sqrt(r)) columns; its top-left corner is uniform
    at random unless given.

    Args:
        model: see `linf_pgd`, as all arguments that are not listed here.
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        eps: budget in (0, 1]; patches are often given the whole range, 1.
        ratio: share of the frame, in (0, 1].
        size: rows and columns of the patch, instead of the ratio.
        corner: first row and column of the patch; None draws them.
        shared: draw one corner for all clips instead of one for each.
        step_size: see `linf_pgd`.
        steps: see `linf_pgd`.
        random_start: see `linf_pgd`.
        restarts: see `linf_pgd`; the patch stays where it is.
        targeted: see `linf_pgd`.
        loss: see `linf_pgd`.
        early_stop: see `linf_pgd`.
        seed: of the corners and of the random starts.

    Returns:
        Adversarial clips (B, 3, T, H, W), equal to the given ones outside of the patch.

    Raises:
        InputError: as `linf_pgd`; when the ratio is out of range, or size or corner do not fit.

    Source: Kinfu and Vidal 2022, sec. 2, "Masked PGD attacks".
    """
    check_clips(clips)
    if isinstance(seed, Tensor):
        seeds = seed.to(clips.device)
    else:
        seeds = clip_seeds(seed, len(clips), device=clips.device)
    return linf_pgd(
        model,
        clips,
        labels,
        eps=eps,
        step_size=step_size,
        steps=steps,
        random_start=random_start,
        restarts=restarts,
        targeted=targeted,
        mask=patch_mask(clips, ratio, size, corner, seeds[:1] if shared else seeds),
        loss=loss,
        early_stop=early_stop,
        seed=seeds,
    )


def patch_mask(
    clips: Tensor,
    ratio: float,
    size: tuple[int, int] | None,
    corner: tuple[int, int] | None,
    seeds: Tensor,
) -> Tensor:
    """Mark a patch, bool (1 or B, 1, 1, H, W), at a given corner or at one drawn from each seed.

    Raises:
        InputError: when the ratio is out of range, or size or corner do not fit.
    """
    height, width = clips.shape[-2:]
    if size is None:
        size = rectangle_size(height, width, ratio)
    elif not (1 <= size[0] <= height and 1 <= size[1] <= width):
        raise InputError(
            f"a patch of {size[0]} x {size[1]} does not fit into a {height} x {width} frame"
        )
    if corner is None:
        top, left = random_corner(height, width, size, seeds)
    elif 0 <= corner[0] <= height - size[0] and 0 <= corner[1] <= width - size[1]:
        top, left = (torch.tensor([at], device=clips.device) for at in corner)
    else:
        raise InputError(
            f"a patch of {size[0]} x {size[1]} at {corner} leaves the {height} x {width} frame"
        )
    return rectangle_mask(height, width, size, top, left)


class MaskedPGD(LinfPGD):
    """PGD inside one patch as an ART attack; `masked_pgd` does the work.

    Args:
        estimator: an `advvid.VideoClassifier`.
        eps: budget in (0, 1].
        ratio: share of the frame that the patch covers, in (0, 1].
        size: rows and columns of the patch, instead of the ratio.
        corner: first row and column of the patch; None draws them from the seed.
        shared: one corner for all clips instead of one for each.
        kwargs: the settings of `LinfPGD`.
    """

    attack_params: ClassVar[list[str]] = [
        *LinfPGD.attack_params,
        "ratio",
        "size",
        "corner",
        "shared",
    ]

    def __init__(
        self,
        estimator: VideoClassifier,
        eps: float | Tensor = 1.0,
        *,
        ratio: float = 0.15,
        size: tuple[int, int] | None = None,
        corner: tuple[int, int] | None = None,
        shared: bool = False,
        **kwargs: Any,
    ) -> None:
        self.ratio = ratio
        self.size = size
        self.corner = corner
        self.shared = shared
        super().__init__(estimator, eps, **kwargs)

    def _check_params(self) -> None:
        super()._check_params()
        if not 0 < self.ratio <= 1:
            raise InputError(f"ratio must be above 0 and at most 1; got {self.ratio:g}")
        if self.size is not None and min(self.size) < 1:
            raise InputError(f"size is rows and columns, each at least 1; got {self.size}")
        if self.corner is not None and min(self.corner) < 0:
            raise InputError(f"corner is row and column, each at least 0; got {self.corner}")

    def support(self, clips: Tensor, seeds: Tensor, shared_seed: Tensor) -> Tensor:
        """Mark the patch of each clip, bool (1 or B, 1, 1, H, W)."""
        drawn = shared_seed if self.shared else seeds
        return patch_mask(clips, self.ratio, self.size, self.corner, drawn)
