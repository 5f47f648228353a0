"""AutoAttack for clips: several attacks in turn on the clips that are still correct."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, NamedTuple

import torch
from torch import Tensor

from advvid.attacks.apgd import apgd
from advvid.attacks.apgd_targeted import apgd_targeted
from advvid.attacks.core.balls import ball_of
from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.linf_box import mask_of, wide
from advvid.attacks.core.losses import is_adversarial
from advvid.attacks.core.settings import NormBudget, NormName, Passes, Queries, Runs, Steps, Targets
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack
from advvid.attacks.fab import fab_targeted
from advvid.attacks.square import square_attack
from advvid.checks import check_labels
from advvid.errors import InputError, shown
from advvid.inference.averaged import averaged
from advvid.inference.frozen import Model, frozen
from advvid.methods import Setting
from advvid.methods.suggestion import did_you_mean
from advvid.random_streams import seeds_of

# Each attack, and those of the settings that it takes.
_PARTS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "apgd-ce": (apgd, ("steps", "restarts", "norm")),
    "apgd-t": (apgd_targeted, ("steps", "restarts", "targets", "norm")),
    "fab-t": (fab_targeted, ("steps", "restarts", "targets", "norm")),
    "square": (square_attack, ("queries",)),
    "apgd-dlr": (partial(apgd, loss="dlr"), ("steps", "restarts", "norm")),
}
PARTS = tuple(_PARTS)
"""All attacks that can be a part; their places here, from 1 on, are what `broken_by` says."""
STANDARD = PARTS[:4]
"""The parts of AutoAttack's standard version, in its order."""


def check_parts(parts: Sequence[str]) -> None:
    """Refuse parts that are none of `PARTS`, none at all, and one that is named twice.

    Raises:
        InputError: naming the part.
    """
    if not any(parts):
        raise InputError(f"parts must name at least one of {', '.join(PARTS)}", settings=("parts",))
    for place, part in enumerate(parts):
        if part not in PARTS:
            hint = did_you_mean(str(part), PARTS) or f"choose from {', '.join(PARTS)}"
            raise InputError(f"AutoAttack has no part {shown(part)}; {hint}", settings=("parts",))
        if part in parts[:place]:
            raise InputError(f"parts names {part} twice: name it once", settings=("parts",))


def check_parts_norm(parts: Sequence[str], norm: str) -> None:
    """Refuse parts that cannot bound a norm.

    Raises:
        InputError: naming them.
    """
    able = [part for part in parts if norm == "Linf" or "norm" in _PARTS[part][1]]
    if len(able) < len(parts):
        others = [part for part in parts if part not in able]
        hint = f"parts={'/'.join(able or ['apgd-ce'])}"
        raise InputError(
            f"the Linf norm alone, not {norm}, is bounded by {' and '.join(others)}: give {hint}",
            settings=("parts", "norm"),
        )


Parts = Annotated[
    tuple[str, ...],
    Setting(f"attacks that run, in this order; of {', '.join(PARTS)}", verify=check_parts),
]


class AutoAttackResult(NamedTuple):
    """Clips under attack, and which part fooled each."""

    clips: Tensor
    """(B, 3, T, H, W)."""
    broken_by: Tensor
    """int64 (B,): 0 where the clip remains correct, -1 where it was misclassified from the start
    and in 8 bits too, otherwise the place of the part in `PARTS`, from 1 on, whichever ran."""


@clip_attack
def auto_attack(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float,
    norm: str = "Linf",
    steps: int = 100,
    queries: int = 5000,
    targets: int = 9,
    restarts: int = 1,
    eot: int = 1,
    parts: Sequence[str] = STANDARD,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> AutoAttackResult:
    """Attack clips by several attacks in turn, each on those still correct.

    A clip that is fooled only before it is rounded to 8 bits within the budget is attacked further;
    what fools it in 8 bits takes the place of what did not. Each part draws the same random numbers
    as that attack alone, so that whatever a part alone fools is fooled here.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,), true labels.
        eps: budget, see `apgd`.
        norm: "Linf", or "L2" or "L1" with parts that have it: all but Square.
        steps: of the attacks that follow gradients.
        queries: of Square.
        targets: classes that APGD-T and FAB-T try.
        restarts: of the attacks that follow gradients.
        eot: passes of a random model that every part averages predictions and gradients over.
        parts: names from `PARTS`, in the order in which they run.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        seed: a number, a generator, or one number a clip, int64 (B,).

    Returns:
        Clips (B, 3, T, H, W) and what fooled each.

    Raises:
        InputError: when clips or settings cannot be used.

    Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness", sec. 5. The
    version for random models in their code is APGD-CE and APGD-DLR with 20 passes.
    """
    counts = {"steps": steps, "queries": queries, "targets": targets, "restarts": restarts}
    clips = checked_batch(clips, labels, eps=eps, norm=norm, eot=eot, **counts)
    given: dict[str, Any] = {**counts, "norm": norm}
    check_parts(parts)
    check_parts_norm(parts, norm)
    model = averaged(model, eot)
    seeds = seeds_of(seed, clips)
    ball = ball_of(norm, clips, eps, mask)
    result, broken_by = clips.clone(), torch.zeros_like(labels)
    settled = Settled(model, clips, labels, eps, norm=norm)
    with frozen(model), torch.no_grad():
        logits = model(clips)
        check_labels(labels, len(clips), logits.shape[1])
        wrong = logits.argmax(dim=1) != labels
        broken_by[wrong] = -1
        left = (~settled(clips, wrong)).nonzero().squeeze(1)
        for part in parts:
            if len(left) == 0:
                break
            attack, names = _PARTS[part]
            attacked, truth = clips[left], labels[left]
            found = attack(
                model,
                attacked,
                truth,
                eps=eps,
                mask=mask_of(mask, left, clips),
                seed=seeds[left],
                **{name: given[name] for name in names},
            )
            found = found if isinstance(found, Tensor) else found.clips
            fooled = is_adversarial(model(found), truth, targeted=False)
            # Rounded, a clip may fool the model that does not as it is.
            rounded = ball.select(left).project_(settled.rounded(found, left))
            by_rounding = ~fooled & is_adversarial(model(rounded), truth, targeted=False)
            found, fooled = torch.where(wide(by_rounding), rounded, found), fooled | by_rounding
            done = settled(found, fooled, left)
            taken = done | (broken_by[left] == 0)
            result[left[taken]] = found[taken]
            broken_by[left[taken & fooled]] = 1 + PARTS.index(part)
            left = left[~done]
    return AutoAttackResult(result, broken_by)


class AutoAttack(VideoAttack):
    """Several attacks in turn on clips that are still correct; see `auto_attack`.

    Its report has "broken_by", see `AutoAttackResult`.
    """

    no_targets = "its parts choose their targets themselves"
    eps: NormBudget = 8 / 255
    max_iter: Steps = 100
    queries: Queries = 5000
    targets: Targets = 9
    num_random_init: Runs = 1
    parts: Parts = STANDARD
    norm: NormName = "Linf"
    eot: Passes = 1

    def check_together(self) -> None:
        """Refuse parts that cannot bound the norm; see `VideoAttack.check_together`."""
        check_parts_norm(self.parts, self.norm)

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        result = auto_attack(
            model,
            batch.clips,
            batch.labels,
            eps=self.eps,
            norm=self.norm,
            steps=self.max_iter,
            queries=self.queries,
            targets=self.targets,
            restarts=self.num_random_init,
            eot=self.eot,
            parts=self.parts,
            mask=batch.mask,
            seed=batch.seeds,
        )
        return Attacked(result.clips, {"broken_by": result.broken_by})
