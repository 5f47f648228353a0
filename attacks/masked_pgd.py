"""PGD inside one patch of each frame."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple, Unpack

import torch
from torch import Tensor

from advvid.attacks.core.ascent import input_gradient
from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.linf_box import both, check_mask, mask_of
from advvid.attacks.core.losses import resolve_loss
from advvid.attacks.core.settings import ClipNormBudget, PartStep, Ratio
from advvid.attacks.core.step_law import FallingStep
from advvid.attacks.core.video_attack import AttackBatch, Attacked
from advvid.attacks.patches.placement import Corner, Placement, Size
from advvid.attacks.patches.search import worst_support
from advvid.attacks.patches.windows import Motion, salient_windows
from advvid.attacks.pgd import LinfPGD, PgdOptions, linf_pgd
from advvid.checks import check_clips
from advvid.inference.frozen import Model, frozen
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
    corner: Corner = "random",
    motion: Motion = "still",
    shared: bool = False,
    **pgd: Unpack[PgdOptions],
) -> Tensor:
    """Attack clips by PGD inside one rectangle of each frame, all of one size.

    The rectangle has int(H sqrt(r)) rows and int(W sqrt(r)) columns. Its top-left corner is drawn
    uniformly, given, or searched: PGD in the window with the largest sum of |gradient|; clips that
    it does not fool in 8 bits are attacked for a tenth of the steps in the nine windows of a 3 x 3
    grid, edges included, and for all steps in the two that did best.

    Args:
        model: see `linf_pgd`.
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        ratio: share of the frame, in (0, 1].
        size: rows and columns of the patch, instead of the ratio.
        corner: "random", "search", or first row and column of the patch; None is "random".
        motion: "still"; "linear" along a line, as far in each frame, whose ends are drawn, or for a
            search taken from the ten lines of the grid with the largest sums of |gradient|;
            "per-frame" draws a place for each frame, or takes for a search the best window of
            each, and the windows of "still".
        shared: draw one place for all clips instead of one for each.
        pgd: `eps` and the other options of `linf_pgd`; the seed is that of the corners too, and
            without a step size the step falls, see `FallingStep`.

    Returns:
        Adversarial clips (B, 3, T, H, W), equal to the given ones outside of the patch.

    Raises:
        InputError: as `linf_pgd`; when the ratio is out of range, size or corner do not fit, or
            corner, motion and shared do not go together.

    Source: Kinfu and Vidal 2022, sec. 2, "Masked PGD attacks"; corners are "random" there.
    """
    placement = Placement(ratio, size, corner, motion, shared)
    check_clips(clips)
    pgd["seed"] = seeds = seeds_of(pgd.get("seed", 0), clips)
    if pgd.get("step_size") is None:
        pgd["step_size"] = FallingStep()
    return _attack(model, clips, labels, placement, seeds[:1] if shared else seeds, pgd).clips


class _Patched(NamedTuple):
    """Clips under attack, and where the patch of each was."""

    clips: Tensor
    support: Tensor
    corners: Tensor


def _attack(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    placement: Placement,
    seeds: Tensor,
    pgd: PgdOptions,
    mask: Tensor | None = None,
) -> _Patched:
    """Attack inside a patch and the mask of the caller; `seeds` are those of the patch."""
    placement.check()
    corners = placement.corners(clips, seeds)
    if placement.corner != "search":
        support = both(placement.mask(clips, corners), mask, clips)
        return _Patched(linf_pgd(model, clips, labels, mask=support, **pgd), support, corners)

    norm, steps = pgd.get("norm", "Linf"), pgd.get("steps", 1)
    clips = checked_batch(clips, labels, eps=pgd["eps"], norm=norm, steps=steps)
    with frozen(model):
        gradient, _, _ = input_gradient(model, clips, labels, resolve_loss(pgd.get("loss", "ce")))
    if mask is not None:
        gradient = gradient.masked_fill(~check_mask(mask, clips), 0)
    windows = salient_windows(gradient, placement.size_in(clips), placement.motion)

    def support_of(rows: Tensor, tried: Tensor) -> Tensor:
        here = placement.mask(clips, windows[rows, tried])
        return both(here, mask_of(mask, rows, clips), clips[rows])

    found = worst_support(model, clips, labels, support_of, windows.shape[1], pgd)
    every = torch.arange(len(clips), device=clips.device)
    return _Patched(found.clips, support_of(every, found.choice), windows[every, found.choice])


class MaskedPGD(LinfPGD):
    """PGD inside one patch of each frame; see `masked_pgd`.

    Its report has "corner", first row and column of the patch, int64 (B, 2), or (B, T, 2) where it
    moves.
    """

    bound = "Linf in a patch"
    default_step: ClassVar[FallingStep | None] = FallingStep()
    eps: ClipNormBudget = 1.0
    eps_step: PartStep = None
    ratio: Ratio = 0.15
    size: Size = None
    corner: Corner = "random"
    shared: Annotated[bool, Setting("one place for all clips instead of one for each")] = False
    motion: Motion = "still"

    @classmethod
    def evaluated_with(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Search the corner, unless one is drawn for all clips; see `VideoAttack`."""
        return {} if given.get("shared") else {"corner": "search"}

    @property
    def placement(self) -> Placement:
        """Where the patch is."""
        return Placement(self.ratio, self.size, self.corner, self.motion, self.shared)

    def check_together(self) -> None:
        """Refuse corner, motion and shared where they do not go together."""
        super().check_together()
        if self.corner is None:
            self.corner = "random"
        self.placement.check()

    def check_fit(self, clip_shape: tuple[int, ...]) -> None:
        """Refuse a patch that does not fit into clips (3, T, H, W)."""
        self.placement.corners(torch.zeros(1, *clip_shape), torch.zeros(1, dtype=torch.int64))

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        seeds = batch.shared_seed if self.shared else batch.seeds
        pgd = self.pgd_options(batch)
        clips, support, corners = _attack(
            model, batch.clips, batch.labels, self.placement, seeds, pgd, batch.mask
        )
        corner = corners[:, 0] if self.motion == "still" else corners
        return Attacked(clips, {"support": support, "corner": corner})
