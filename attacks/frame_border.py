"""PGD inside a border, the same in every frame."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from advvid.attacks.core.losses import Loss
from advvid.attacks.core.masks import border_mask, border_thickness
from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.pgd import LinfPGD, linf_pgd
from advvid.checks import check_clips, check_count
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model


def frame_border(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    ratio: float = 0.15,
    thickness: int | None = None,
    step_size: float | StepSizeLaw | None = None,
    steps: int = 20,
    random_start: bool = False,
    restarts: int = 1,
    targeted: bool = False,
    loss: str | Loss = "ce",
    early_stop: bool = False,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Attack clips by PGD inside a border of every frame.

    The border of thickness b covers the share r of a frame: 4 b^2 - 2 (H + W) b + r H W = 0, the
    smaller root, rounded down.

    Args:
        model: see `linf_pgd`, as all arguments that are not listed here.
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        eps: budget in (0, 1]; borders are often given the whole range, 1.
        ratio: share of the frame, in (0, 1].
        thickness: in pixels, instead of the ratio.
        step_size: see `linf_pgd`.
        steps: see `linf_pgd`.
        random_start: see `linf_pgd`.
        restarts: see `linf_pgd`.
        targeted: see `linf_pgd`.
        loss: see `linf_pgd`.
        early_stop: see `linf_pgd`.
        seed: see `linf_pgd`.

    Returns:
        Adversarial clips (B, 3, T, H, W), equal to the given ones inside of the border.

    Raises:
        InputError: as `linf_pgd`; when ratio or thickness is out of range.

    Source: Kinfu and Vidal 2022, sec. 2, "Frame border attack".
    """
    check_clips(clips)
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
        mask=_border(clips, ratio, thickness),
        loss=loss,
        early_stop=early_stop,
        seed=seed,
    )


def _border(clips: Tensor, ratio: float, thickness: int | None) -> Tensor:
    height, width = clips.shape[-2:]
    if thickness is None:
        thickness = border_thickness(height, width, ratio)
    return border_mask(height, width, thickness, device=clips.device)


class FrameBorder(LinfPGD):
    """PGD inside a border as an ART attack; `frame_border` does the work.

    Args:
        estimator: an `advvid.VideoClassifier`.
        eps: budget in (0, 1].
        ratio: share of the frame that the border covers, in (0, 1].
        thickness: in pixels, instead of the ratio.
        kwargs: the settings of `LinfPGD`.
    """

    attack_params: ClassVar[list[str]] = [*LinfPGD.attack_params, "ratio", "thickness"]

    def __init__(
        self,
        estimator: VideoClassifier,
        eps: float | Tensor = 1.0,
        *,
        ratio: float = 0.15,
        thickness: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.ratio = ratio
        self.thickness = thickness
        super().__init__(estimator, eps, **kwargs)

    def _check_params(self) -> None:
        super()._check_params()
        if not 0 < self.ratio <= 1:
            raise InputError(f"ratio must be above 0 and at most 1; got {self.ratio:g}")
        if self.thickness is not None:
            check_count("thickness", self.thickness)

    def support(self, clips: Tensor, seeds: Tensor, shared_seed: Tensor) -> Tensor:
        """Mark the border, bool (1, 1, 1, H, W)."""
        del seeds, shared_seed
        return _border(clips, self.ratio, self.thickness)
