"""Square attack: random search with blocks of noise, without a gradient."""

from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from advvid.attacks.core.checked_batch import checked_batch, clip_attack
from advvid.attacks.core.eight_bits import Settled
from advvid.attacks.core.linf_box import Box, linf_box
from advvid.attacks.core.losses import at_least_float32, margin
from advvid.attacks.core.settings import Budget, Queries
from advvid.attacks.core.video_attack import AttackBatch, Attacked, VideoAttack
from advvid.inference.frozen import Model, frozen
from advvid.methods import Setting, check_setting
from advvid.random_streams import seeds_of, uniform

Share = Annotated[
    float, Setting("share of the clip that the first blocks cover", above=0, at_most=1)
]
Block = Annotated[
    str,
    Setting(
        "cube, the same share of every axis in one color, or column, through all frames with one "
        "color in each",
        choices=("cube", "column"),
    ),
]
Start = Annotated[
    str,
    Setting(
        "frames, one color a frame, or stripes, one color a column of pixels in all frames",
        choices=("frames", "stripes"),
    ),
]
Starts = Annotated[
    int, Setting("random starts, each a query, of which the best is kept", at_least=1)
]
Schedule = Annotated[
    str,
    Setting(
        "when blocks shrink: stretched to the queries, or fixed, after as many as in a search of "
        "10000",
        choices=("stretched", "fixed"),
    ),
]

_PAPER_QUERIES = 10000
# Of these, those after which the blocks shrink to half their volume.
_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


class SquareResult(NamedTuple):
    """Attacked clips, and the queries that were needed."""

    clips: Tensor
    """(B, 3, T, H, W)."""
    queries: Tensor
    """int64 (B,): forward passes of each clip."""


@clip_attack
def square_attack(
    model: Model,
    clips: Tensor,
    labels: Tensor,
    *,
    eps: float,
    queries: int = 5000,
    share: float = 0.8,
    block: str = "cube",
    start: str = "frames",
    num_random_init: int = 8,
    schedule: str = "stretched",
    targeted: bool = False,
    mask: Tensor | None = None,
    seed: int | torch.Generator | Tensor = 0,
) -> SquareResult:
    """Attack clips by random search under an L-infinity bound, asking for logits only.

    Starts with a random color for each frame, whatever it does to the margin by which the clip is
    classified; of several such starts the best is kept. Each further query puts a block at a random
    place, every channel of it at one end of the budget, and is kept if that margin has shrunk. A
    clip stops when it is fooled, rounded to 8 bits within the budget too.

    Args:
        model: clips -> logits (B, K).
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,): true labels, or targets when `targeted`.
        eps: budget in (0, 1].
        queries: most forward passes of a clip, at least 1.
        share: of the clip that the first blocks cover, in (0, 1]; halves during the search.
        block: "cube", the same share of every axis in one color, or "column", a square through all
            frames with one color in each.
        start: "frames", one color a frame, or "stripes", one color a column of pixels, the same in
            all frames (the paper's, for images).
        num_random_init: starts, each a query, at least 1 (the paper's).
        schedule: of the halving: "stretched" to the queries, or "fixed", after as many queries as
            in a search of 10000 (AutoAttack's).
        targeted: make the clip look like its label instead of unlike it.
        mask: where the attack may act, 0/1 or bool, broadcastable to the clips.
        seed: a number, a generator, or one number a clip, int64 (B,).

    Returns:
        Clips (B, 3, T, H, W) and the queries of each.

    Raises:
        InputError: when clips or settings cannot be used.

    Source: Andriushchenko et al. 2020, "Square Attack: a query-efficient black-box adversarial
    attack via random search", Algorithms 1 and 2; starts and blocks in time are ours.
    """
    clips = checked_batch(clips, labels, eps=eps, queries=queries, num_random_init=num_random_init)
    check_setting("share", share, Share)
    check_setting("block", block, Block)
    check_setting("start", start, Start)
    check_setting("schedule", schedule, Schedule)
    # The schedule's queries for one of this search.
    pace = _PAPER_QUERIES / queries if schedule == "stretched" else 1.0
    seeds = seeds_of(seed, clips)
    box = linf_box(clips, eps, mask)

    def lead(clips: Tensor, labels: Tensor) -> Tensor:
        """How far a clip is from being fooled; it is below 0 (a tie is not enough)."""
        behind = margin(at_least_float32(model(clips)), labels)
        return behind if targeted else -behind

    with frozen(model), torch.no_grad():
        found = clips.clone()
        used = torch.ones(len(clips), dtype=torch.int64, device=clips.device)
        best = lead(clips, labels)
        settled = Settled(model, clips, labels, eps, targeted)
        # Fooled clips leave the batch, which is packed anew only then: most queries fool none.
        active = (best >= 0).nonzero().squeeze(1)
        current, bounds, best = clips[active], box.select(active), best[active]
        truth, streams = labels[active], seeds[active]
        for query in range(1, queries):
            if len(active) == 0:
                break
            if query <= num_random_init:
                candidate = _start(bounds, streams, start, draw=query - 1)
            else:
                size = block_size(clips.shape[2:], volume_share(query * pace, share), block)
                colors = clips.shape[2] if block == "column" else 1
                numbers = uniform(streams, (3 + 3 * colors,), stream="square block", draw=query)
                candidate = _with_block(current, bounds, numbers, size)
            value = lead(candidate, truth)
            used[active] += 1
            # The first start is where the search begins, even where it is no gain: blocks on clean
            # pixels leave most of the budget unused.
            kept = value < best if query > 1 else torch.ones_like(best, dtype=torch.bool)
            current[kept] = candidate[kept]
            best = torch.where(kept, value, best)
            # The look at a rounded clip is a query too.
            asked = kept & (best < 0) & (used[active] < queries)
            used[active] += asked
            correct = ~settled(current, asked, active) & (used[active] < queries)
            if not correct.all():
                found[active[~correct]] = current[~correct]
                active, current, bounds = active[correct], current[correct], bounds.select(correct)
                best, truth, streams = best[correct], truth[correct], streams[correct]
        found[active] = current
    return SquareResult(found, used)


def volume_share(query: float, share: float) -> float:
    """Give the share of a clip that a block covers, halved on the schedule of the paper.

    Args:
        query: of a search of 10000.
        share: at the start.

    Source: Andriushchenko et al. 2020, sec. 4 (p halves at 10, 50, 200, 500, ... of 10000).
    """
    return share / float(2 ** sum(query > halving for halving in _HALVINGS))


def block_size(shape: torch.Size, share: float, block: str) -> tuple[int, int, int]:
    """Give frames, rows and columns of a block that covers a share of a clip, each at least 1.

    Args:
        shape: T, H, W.
        share: of the volume, in (0, 1].
        block: "column" covers all frames, "cube" the same share of each axis.
    """
    frames, height, width = shape
    if block == "column":
        side = share**0.5
        return frames, max(1, round(height * side)), max(1, round(width * side))
    side = share ** (1 / 3)
    return max(1, round(frames * side)), max(1, round(height * side)), max(1, round(width * side))


def _start(box: Box, seeds: Tensor, start: str, *, draw: int) -> Tensor:
    """Put every frame, or every column of pixels, of every channel at one end of the budget."""
    channels, frames, _, width = box.lower.shape[1:]
    shape = (channels, frames, 1, 1) if start == "frames" else (channels, 1, 1, width)
    signs = uniform(seeds, shape, stream=f"square {start}", draw=draw).round_()
    return box.at(signs.expand_as(box.lower).to(box.lower))


def _with_block(current: Tensor, box: Box, numbers: Tensor, size: tuple[int, int, int]) -> Tensor:
    """Put one block of each clip at ends of the budget.

    Args:
        current: (B, 3, T, H, W).
        box: the budget.
        numbers: uniform (B, 3 + 3n): place in time, height and width; an end for each channel, of
            all frames (n = 1) or of each (n = T).
        size: frames, rows and columns.
    """
    inside = torch.ones((), dtype=torch.bool, device=current.device)
    for axis, length in enumerate(size):
        total = current.shape[2 + axis]
        start = (numbers[:, axis] * (total - length + 1)).to(torch.int64)
        place = torch.arange(total, device=current.device)
        here = (place >= start[:, None]) & (place < start[:, None] + length)
        shape = [len(current), 1, 1, 1, 1]
        shape[2 + axis] = total
        inside = inside & here.view(shape)
    upper = (numbers[:, 3:] > 0.5).view(len(current), current.shape[1], -1, 1, 1)
    return torch.where(inside, torch.where(upper, box.upper, box.lower), current)


class Square(VideoAttack):
    """Random search with blocks in space-time, from outputs only; see `square_attack`.

    Its report has "queries", the forward passes of each clip.
    """

    access = "black box"
    eps: Budget = 8 / 255
    queries: Queries = 5000
    share: Share = 0.8
    block: Block = "cube"
    start: Start = "frames"
    num_random_init: Starts = 8
    schedule: Schedule = "stretched"

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        result = square_attack(
            model,
            batch.clips,
            batch.labels,
            eps=self.eps,
            queries=self.queries,
            share=self.share,
            block=self.block,
            start=self.start,
            num_random_init=self.num_random_init,
            schedule=self.schedule,
            targeted=self.targeted,
            mask=batch.mask,
            seed=batch.seeds,
        )
        return Attacked(result.clips, {"queries": result.queries})
