"""PGD in a ball: under an L-infinity bound unless another norm is chosen."""

from dataclasses import KW_ONLY
from typing import Annotated, ClassVar, Required, TypedDict

import torch
from torch import Tensor

from advvid.attacks.core.ascent import ascend
from advvid.attacks.core.balls import ball_of
from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.linf_box import per_clip, wide
from advvid.attacks.core.losses import Loss, is_adversarial, resolve_loss
from advvid.attacks.core.settings import ClipNormBudget, EpsStep, LossName, NormName, Steps
from advvid.attacks.core.step_law import FallingStep, StepSizeLaw, resolve_step
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack, batch_budget
from advvid.errors import InputError
from advvid.inference.frozen import Model, frozen
from advvid.methods import Setting
from advvid.random_streams import seeds_of, uniform


class PgdOptions(TypedDict, total=False):
    """What attacks that run PGD inside a mask hand on to `linf_pgd`, which describes each."""

    eps: Required[float | Tensor]
    norm: str
    step_size: float | StepSizeLaw | FallingStep | None
    steps: int
    random_start: bool
    restarts: int
    targeted: bool
    loss: str | Loss
    early_stop: bool
    seed: int | torch.Generator | Tensor


@clip_attack
def linf_pgd(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float | Tensor,
    norm: str = "Linf",
    step_size: float | StepSizeLaw | FallingStep | None = None,
    steps: int = 20,
    random_start: bool = False,
    restarts: int = 1,
    targeted: bool = False,
    mask: Tensor | None = None,
    loss: str | Loss = "ce",
    early_stop: bool = False,
    start: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> Tensor:
    """Attack clips by projected gradient descent, under an L-infinity bound unless told otherwise.

    x_{i+1} = clip(x_i + alpha sign(grad L(F(x_i), y)), x - eps, x + eps), then clip to [0, 1].
    Under L2 the step follows the gradient at length alpha; under L1 it moves the hundredth of the
    pixels with the largest gradients, by alpha together; both are projected onto ball and pixel
    range together.

    Args:
        model: clips -> logits (B, K); a module is run in evaluation mode and then restored.
        clips: (B, 3, T, H, W) float in [0, 1]; they are not changed.
        labels: int64 (B,): true labels, or targets when `targeted`.
        eps: budget, one for all or (B,): in (0, 1], such as 8 / 255, under L-infinity; the length
            of the change of the whole clip, in units of the pixel range, under L2 and L1.
        norm: "Linf", "L2" or "L1".
        step_size: alpha, a length in the norm; under L-infinity also a law. None for the law
            0.2 (eps + 1), a `FallingStep` for one that falls to 0. Under L2 and L1 both of these
            are steps that fall from eps to 0.
        steps: number of gradient steps, at least 1.
        random_start: start uniformly at random in the feasible box instead of at the clip. From
            the second restart on the start is always random.
        restarts: independent runs; of each clip the worst is kept: an adversarial one before any
            other (with `early_stop` also one that is in 8 bits), then the one with the largest
            loss.
        targeted: make the clip look like its label instead of unlike it.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        loss: "ce", "dlr", "cw", or a function (logits, labels) -> (B,).
        early_stop: stop each clip at its first iterate that is adversarial, rounded to 8 bits
            within the budget too.
        start: where to begin, (B, 3, T, H, W), unless it is at random; what lies outside of the
            feasible box is moved into it. None is the clips.
        seed: of the random starts: a number, a generator, or one number a clip, int64 (B,).

    Returns:
        Adversarial clips (B, 3, T, H, W), at most eps away from the given ones, in [0, 1].

    Raises:
        InputError: when clips, budget, step size, steps or mask cannot be used.

    Source: Madry et al. 2018; Kinfu and Vidal 2022, Eq. 7.
    """
    clips = checked_batch(clips, labels, eps=eps, norm=norm, steps=steps, restarts=restarts)
    check_law(norm, step_size)
    score = resolve_loss(loss)
    ball = ball_of(norm, clips, eps, mask)
    if norm != "Linf" and step_size is None:
        step_size = FallingStep()
    falling = isinstance(step_size, FallingStep)
    if isinstance(step_size, FallingStep):
        first = step_size(eps) if norm == "Linf" else eps
    else:
        first = resolve_step(step_size, eps)
    step = per_clip(first, clips)
    seeds = seeds_of(seed, clips)
    settled = Settled(model, clips, labels, eps, targeted, norm) if early_stop else None

    best, best_rank = clips, torch.empty(0)
    with frozen(model):
        for restart in range(restarts):
            begin = clips if start is None else ball.project_(start.clone())
            if random_start or restart > 0:
                noise = uniform(seeds, clips.shape[1:], stream="pgd start", draw=restart)
                begin = ball.at(noise.to(clips.dtype))
            candidate = ascend(
                model,
                begin,
                labels,
                loss=score,
                ball=ball,
                step=step,
                steps=steps,
                falling=falling,
                targeted=targeted,
                early_stop=settled,
            )
            if restarts == 1:
                return candidate
            rank = rank_clips(model, candidate, labels, score, targeted, settled)
            if restart == 0:
                best, best_rank = candidate, rank
                continue
            better = beats(rank, best_rank)
            best_rank = torch.where(better, rank, best_rank)
            best = torch.where(wide(better), candidate, best)
    return best


def check_law(norm: str, step_size: object) -> None:
    """Refuse a law of step sizes, which is of the L-infinity norm, under another.

    Raises:
        InputError: saying what to give.
    """
    if norm != "Linf" and isinstance(step_size, StepSizeLaw):
        raise InputError(
            f"a law gives steps of the Linf norm, not of {norm}: give eps_step as a number, or "
            "leave it out for one that falls from eps to 0",
            settings=("eps_step",),
        )


@torch.no_grad()
def rank_clips(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    loss: Loss,
    targeted: bool,
    settled: Settled | None,
) -> Tensor:
    """Order candidates by (adversarial, settled too; loss in the attack's direction), (2, B)."""
    logits = model(clips).float()
    losses, fooled = loss(logits, labels), is_adversarial(logits, labels, targeted)
    grade = fooled.float() if settled is None else fooled.float() + settled(clips, fooled).float()
    return torch.stack([grade, -losses if targeted else losses])


def beats(rank: Tensor, other: Tensor) -> Tensor:
    """Tell where one candidate is worse for the model than another, bool (B,)."""
    return (rank[0] > other[0]) | ((rank[0] == other[0]) & (rank[1] > other[1]))


class LinfPGD(VideoAttack):
    """Projected gradient descent, under an L-infinity bound with a step size from the law.

    `linf_pgd` does the work. A subclass that gives a `support` is PGD inside it.

    Attributes:
        default_step: what takes the place of the law where no step size is given, or None.
    """

    keywords: ClassVar[tuple[str, ...]] = ("norm",)
    default_step: ClassVar[FallingStep | None] = None

    eps: ClipNormBudget = 8 / 255
    eps_step: EpsStep = None
    max_iter: Steps = 20
    num_random_init: Annotated[
        int, Setting("random starts, of which the worst is kept; 0 starts at the clip", at_least=0)
    ] = 0
    loss: LossName = "ce"
    early_stop: Annotated[
        bool, Setting("stop each clip at its first iterate that is adversarial, in 8 bits too")
    ] = False
    _: KW_ONLY
    norm: NormName = "Linf"

    def check_together(self) -> None:
        """Refuse a law under another norm; see `VideoAttack.check_together`."""
        check_law(self.norm, self.eps_step)

    def support(self, batch: AttackBatch) -> Tensor | None:
        """Mark where the attack acts, broadcastable to the clips, or None for everywhere."""
        del batch
        return None

    def check_fit(self, clip_shape: tuple[int, ...]) -> None:
        """Refuse a support that does not fit into clips (3, T, H, W)."""
        one = torch.zeros(1, dtype=torch.int64)
        self.support(AttackBatch(torch.zeros(1, *clip_shape), one, one, one, None, one))

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        mask, own = batch.mask, self.support(batch)
        if own is not None:
            mask = own if mask is None else own & mask
        options = self.pgd_options(batch)
        adversarial = linf_pgd(model, batch.clips, batch.labels, mask=mask, **options)
        return Attacked(adversarial, {} if mask is None else {"support": mask})

    def pgd_options(self, batch: AttackBatch) -> PgdOptions:
        """Give what the settings mean for `linf_pgd`, but for where it acts."""
        return {
            "eps": batch_budget(self.eps, batch),
            "norm": self.norm,
            "step_size": self.default_step if self.eps_step is None else self.eps_step,
            "steps": self.max_iter,
            "random_start": self.num_random_init > 0,
            "restarts": max(1, self.num_random_init),
            "targeted": self.targeted,
            "loss": self.loss,
            "early_stop": self.early_stop,
            "seed": batch.seeds,
        }
