"""PGD inside a border, the same in every frame."""

from typing import Annotated, ClassVar, Unpack

from torch import Tensor

from advvid.attacks.core.checked_batch import clip_attack
from advvid.attacks.core.masks import border_mask, border_thickness
from advvid.attacks.core.settings import ClipNormBudget, PartStep, Ratio
from advvid.attacks.core.step_law import FallingStep
from advvid.attacks.core.video_attack import AttackBatch
from advvid.attacks.pgd import LinfPGD, PgdOptions, linf_pgd
from advvid.checks import check_clips
from advvid.inference.frozen import Model
from advvid.methods import Setting


@clip_attack
def frame_border(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    ratio: float = 0.15,
    thickness: int | None = None,
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
        thickness: in pixels, instead of the ratio.
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
    return linf_pgd(model, clips, labels, mask=_border(clips, ratio, thickness), **pgd)


def _border(clips: Tensor, ratio: float, thickness: int | None) -> Tensor:
    height, width = clips.shape[-2:]
    if thickness is None:
        thickness = border_thickness(height, width, ratio)
    return border_mask(height, width, thickness, device=clips.device)


class FrameBorder(LinfPGD):
    """PGD inside a border of every frame; see `frame_border`."""

    bound = "Linf in a border"
    default_step: ClassVar[FallingStep | None] = FallingStep()
    eps: ClipNormBudget = 1.0
    eps_step: PartStep = None
    ratio: Ratio = 0.15
    thickness: Annotated[
        int | None, Setting("of the border, instead of the ratio", "pixels", at_least=1)
    ] = None

    def support(self, batch: AttackBatch) -> Tensor:
        """Mark the border, bool (1, 1, 1, H, W)."""
        return _border(batch.clips, self.ratio, self.thickness)
