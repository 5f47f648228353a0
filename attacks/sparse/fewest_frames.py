"""The fewest frames that fool a model, by the price that a frame has."""

from dataclasses import dataclass

import torch
from torch import Tensor

from advvid.attacks.core.ascent import ascend
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.frame_ranking import frame_mask
from advvid.attacks.core.linf_box import Box
from advvid.attacks.core.losses import Loss, is_adversarial
from advvid.attacks.core.step_law import PAPER_LAW
from advvid.attacks.sparse.proximal import descend_sparsely, frame_norms
from advvid.checks import check_labels

_PRICES = 5
# Sign-gradient steps in all frames, and in those that are chosen.
_ALL_STEPS, _CHOSEN_STEPS = 20, 10


@dataclass(frozen=True)
class SparseProblem:
    """Clips, each of which is to be fooled in as few frames as possible.

    Args:
        settled: model, clean clips and labels, and which clips are fooled.
        loss: see `advvid.attacks.core.losses`.
        box: where clips must stay.
        eps: the budget.
    """

    settled: Settled
    loss: Loss
    box: Box
    eps: float

    def select(self, at: Tensor) -> "SparseProblem":
        """Keep some clips only; `at` indexes the batch axis."""
        return SparseProblem(self.settled.select(at), self.loss, self.box.select(at), self.eps)

    def pgd(self, start: Tensor, frames: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """Attack in some frames (B, T) alone; give clips, and how well they fool, see `grade`."""
        here, own = frame_mask(frames), self.settled
        attacked = ascend(
            own.model,
            start,
            own.labels,
            loss=self.loss,
            ball=Box(
                torch.where(here, self.box.lower, start), torch.where(here, self.box.upper, start)
            ),
            step=PAPER_LAW(self.eps),
            steps=steps,
            targeted=own.targeted,
            early_stop=own,
        )
        return attacked, self.grade(attacked)

    @torch.no_grad()
    def grade(self, clips: Tensor) -> Tensor:
        """Tell whether clips are fooled in 8 bits too (2), as they are (1), or not (0)."""
        own = self.settled
        logits = own.model(clips)
        check_labels(own.labels, len(clips), logits.shape[1])
        fooled = is_adversarial(logits, own.labels, own.targeted)
        return fooled.long() + own(clips, fooled).long()

    def changed(self, clips: Tensor) -> Tensor:
        """Mark the frames that are not clean, bool (B, T)."""
        return frame_norms(clips - self.settled.clean) > 0


def fewest_frames(problem: SparseProblem, steps: int) -> Tensor:
    """Search, clip by clip, the highest price of a frame at which the model is still fooled.

    1. PGD in all frames tells which clips can be fooled at all; the others keep its result.
    2. The price lambda is bisected in [0, 1]. The frames that proximal steps change at a price are
       attacked by PGD, without a price: the L2,1 norm chooses frames well, but also shortens those
       that it has chosen. A clip that is fooled goes on at a higher price, others at a lower one.
    3. Frames are taken back one by one, the smallest change first, wherever PGD in the others
       still fools the model.

    A clip is fooled when it is in 8 bits too; where none of that is found, as it is.

    Args:
        problem: clips and what they are to be.
        steps: proximal steps of all prices together.

    Returns:
        Clips (B, C, T, H, W).
    """
    result = problem.settled.clean.clone()
    left = (problem.grade(result) == 0).nonzero().squeeze(1)
    if len(left) > 0:
        own = problem.select(left)
        result[left], grade = own.pgd(
            result[left], torch.ones_like(own.changed(result[left])), _ALL_STEPS
        )
        left, grade = left[grade > 0], grade[grade > 0]
    if len(left) > 0:
        own = problem.select(left)
        result[left] = _without_spare_frames(own, *_by_price(own, result[left], grade, steps))
    return result


def _by_price(
    problem: SparseProblem, found: Tensor, grade: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Bisect the price of each clip; give clips, and how well they fool."""
    low = found.new_zeros(len(found))
    high, frames = torch.ones_like(low), problem.changed(found)
    for _ in range(_PRICES):
        price = (low + high) / 2
        sparse = descend_sparsely(
            problem.settled, problem.loss, problem.box, price, problem.eps, -(-steps // _PRICES)
        )
        chosen = problem.changed(sparse)
        trial, reached = problem.pgd(sparse, chosen, _CHOSEN_STEPS)
        fewer = chosen.sum(dim=1) < frames.sum(dim=1)
        better = (reached > grade) | ((reached == grade) & fewer)
        found = torch.where(better.view(-1, 1, 1, 1, 1), trial, found)
        frames = torch.where(better[:, None], chosen, frames)
        enough = reached >= grade
        grade = grade.maximum(reached)
        low, high = torch.where(enough, price, low), torch.where(enough, high, price)
    return found, grade


def _without_spare_frames(problem: SparseProblem, found: Tensor, grade: Tensor) -> Tensor:
    """Take frames back, one a clip at a time, where the others suffice."""
    found, clean, frames = found.clone(), problem.settled.clean, problem.changed(found)
    untried = frames.clone()
    while True:
        at = (untried.any(dim=1) & (frames.sum(dim=1) > 1)).nonzero().squeeze(1)
        if len(at) == 0:
            return found
        norms = frame_norms(found[at] - clean[at]).masked_fill(~untried[at], torch.inf)
        spare = torch.zeros_like(untried[at]).scatter(1, norms.argmin(dim=1, keepdim=True), True)
        untried[at] &= ~spare
        others = frames[at] & ~spare
        start = torch.where(frame_mask(spare), clean[at], found[at])
        trial, reached = problem.select(at).pgd(start, others, _CHOSEN_STEPS)
        good = reached >= grade[at]
        found[at[good]], frames[at[good]] = trial[good], others[good]
