"""PGD inside one patch, the same in every frame."""

from typing import Annotated, ClassVar, Unpack

from torch import Tensor

from advvid.attacks.core.checked_batch import clip_attack
from advvid.attacks.core.masks import patch_mask
from advvid.attacks.core.settings import ClipNormBudget, PartStep, Ratio
from advvid.attacks.core.step_law import FallingStep
from advvid.attacks.core.video_attack import AttackBatch
from advvid.attacks.pgd import LinfPGD, PgdOptions, linf_pgd
from advvid.checks import check_clips
from advvid.inference.frozen import Model
from advvid.methods import Setting
from advvid.random_streams import seeds_of


@clip_attack
def masked_pgd(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    ratio: float = 0.15,
    size: tuple[int, int] | None = None,
    corner: tuple[int, int] | None = None,
    shared: bool = False,
    **pgd: Unpack[PgdOptions],
) -> Tensor:
    """Attack clips by PGD inside one rectangle, the same in every frame.

    The rectangle has int(H sqrt(r)) rows and int(W sqrt(r)) columns; its top-left corner is uniform
    at random unless given.

    Args:
        model: see `linf_pgd`.
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        ratio: share of the frame, in (0, 1].
        size: rows and columns of the patch, instead of the ratio.
        corner: first row and column of the patch; None draws them.
        shared: draw one corner for all clips instead of one for each.
        pgd: `eps` and the other options of `linf_pgd`; the seed is that of the corners too, and
            without a step size the step falls, see `FallingStep`.

    Returns:
        Adversarial clips (B, 3, T, H, W), equal to the given ones outside of the patch.

    Raises:
        InputError: as `linf_pgd`; when the ratio is out of range, or size or corner do not fit.

    Source: Kinfu and Vidal 2022, sec. 2, "Masked PGD attacks".
    """
    check_clips(clips)
    seeds = seeds_of(pgd.get("seed", 0), clips)
    mask = patch_mask(clips, ratio, size, corner, seeds[:1] if shared else seeds)
    pgd["seed"] = seeds
    if pgd.get("step_size") is None:
        pgd["step_size"] = FallingStep()
    return linf_pgd(model, clips, labels, mask=mask, **pgd)


class MaskedPGD(LinfPGD):
    """PGD inside one patch, the same in every frame; see `masked_pgd`."""

    bound = "Linf in a patch"
    default_step: ClassVar[FallingStep | None] = FallingStep()
    eps: ClipNormBudget = 1.0
    eps_step: PartStep = None
    ratio: Ratio = 0.15
    size: Annotated[
        tuple[int, int] | None,
        Setting("rows and columns, instead of the ratio", "pixels", at_least=1),
    ] = None
    corner: Annotated[
        tuple[int, int] | None,
        Setting("first row and column; not given, drawn from the seed", "pixels", at_least=0),
    ] = None
    shared: Annotated[bool, Setting("one corner for all clips instead of one for each")] = False

    def support(self, batch: AttackBatch) -> Tensor:
        """Mark the patch of each clip, bool (1 or B, 1, 1, H, W)."""
        seeds = batch.shared_seed if self.shared else batch.seeds
        return patch_mask(batch.clips, self.ratio, self.size, self.corner, seeds)
