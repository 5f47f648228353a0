"""PGD inside a border, the same in every frame."""

from typing import Annotated, ClassVar, Unpack

import torch
from torch import Tensor

from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.masks import border_mask, border_thickness
from advvid.attacks.core.settings import ClipNormBudget, PartStep, Ratio
from advvid.attacks.core.step_law import FallingStep
from advvid.attacks.core.video_attack import AttackBatch, Attacked
from advvid.attacks.patches.thinnest_border import thinnest_border
from advvid.attacks.pgd import LinfPGD, PgdOptions, linf_pgd
from advvid.checks import check_clips
from advvid.inference.frozen import Model
from advvid.methods import Setting

Thickness = Annotated[
    str | int | None,
    Setting(
        "of the border, instead of the ratio; or for each clip the thinnest that fools, at most "
        "that of the ratio",
        "pixels",
        at_least=1,
        choices=("search",),
    ),
]


@clip_attack
def frame_border(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    ratio: float = 0.15,
    thickness: Thickness = None,
    **pgd: Unpack[PgdOptions],
) -> Tensor:
    """Attack clips by PGD inside a border of every frame.

    The border of thickness b covers the share r of a frame: 4 b^2 - 2 (H + W) b + r H W = 0, the
    smaller root, rounded down.

    Args:
        model: see `linf_pgd`.
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        ratio: share of the frame, in (0, 1].
        thickness: in pixels, instead of the ratio; "search" finds for each clip the thinnest, from
            one pixel to that of the ratio, that fools the model in 8 bits, where PGD stops then.
        pgd: `eps` and the other options of `linf_pgd`; without a step size the step falls, see
            `FallingStep`.

    Returns:
        Adversarial clips (B, 3, T, H, W), equal to the given ones inside of the border.

    Raises:
        InputError: as `linf_pgd`; when ratio or thickness is out of range.

    Source: Kinfu and Vidal 2022, sec. 2, "Frame border attack".
    """
    check_clips(clips)
    if pgd.get("step_size") is None:
        pgd["step_size"] = FallingStep()
    most = _pixels(clips, ratio, thickness)
    if thickness == "search":
        norm, steps = pgd.get("norm", "Linf"), pgd.get("steps", 1)
        clips = checked_batch(clips, labels, eps=pgd["eps"], norm=norm, steps=steps)
        return thinnest_border(model, clips, labels, most, pgd).clips
    return linf_pgd(model, clips, labels, mask=_mask(clips, most), **pgd)


def _pixels(clips: Tensor, ratio: float, thickness: str | int | None) -> int:
    """Give the thickness of the border, or of the thickest that is searched."""
    if thickness is None or isinstance(thickness, str):
        return border_thickness(clips.shape[-2], clips.shape[-1], ratio)
    return int(thickness)


def _mask(clips: Tensor, thickness: int) -> Tensor:
    return border_mask(clips.shape[-2], clips.shape[-1], thickness, device=clips.device)


class FrameBorder(LinfPGD):
    """PGD inside a border of every frame; see `frame_border`.

    Its report has "border", the thickness for each clip in pixels.
    """

    bound = "Linf in a border"
    default_step: ClassVar[FallingStep | None] = FallingStep()
    eps: ClipNormBudget = 1.0
    eps_step: PartStep = None
    ratio: Ratio = 0.15
    thickness: Thickness = None

    def support(self, batch: AttackBatch) -> Tensor:
        """Mark the border, bool (1, 1, 1, H, W); of those that are searched the thickest."""
        return _mask(batch.clips, _pixels(batch.clips, self.ratio, self.thickness))

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        clips, labels = batch.clips, batch.labels
        most = _pixels(clips, self.ratio, self.thickness)
        if self.thickness != "search":
            attacked, report = super().perturb(model, batch)
            return Attacked(attacked, {**report, "border": torch.full_like(labels, most)})
        found = thinnest_border(model, clips, labels, most, self.pgd_options(batch), batch.mask)
        return Attacked(found.clips, {"support": found.support, "border": found.thickness})
