"""Sweep PGD's step size: the adversarial loss over (budget, step size, number of steps)."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.attacks.core.linf_box import linf_box
from advvid.attacks.core.losses import Loss, resolve_loss
from advvid.attacks.core.sign_gradient import input_gradient, sign_step_
from advvid.checks import as_budgets, check_budget, check_count
from advvid.errors import InputError
from advvid.inference.frozen import Model, frozen
from advvid.inference.micro_batch import MicroBatcher, default_micro_batch
from advvid.methods.arguments import checked
from advvid.pairing.given import GivenClips, GivenLabels, GivenModel, as_subject, in_memory
from advvid.random_streams import clip_seeds, uniform
from advvid.runs.fingerprint import fingerprint
from advvid.runs.progress import Advance, progress_bar
from advvid.step_size.finished_clips import FinishedClips
from advvid.step_size.plan import Level, SweepPlan, plan_sweep
from advvid.step_size.surface import StepSizeSurface

DEFAULT_BUDGETS = tuple(e / 255 for e in (1, 2, 3, 4, 6, 8, 12))
"""The range of Kinfu and Vidal 2022, Fig. 2; multiples of each other, so that runs coincide."""

DEFAULT_RATIOS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)
"""Step sizes as multiples of the budget."""

_CLIPS_AT_MOST = 8


@checked
def sweep_step_size(
    classifier: GivenModel,
    clips: GivenClips,
    labels: GivenLabels = None,
    *,
    eps: float | Sequence[float] = DEFAULT_BUDGETS,
    max_steps: int = 10,
    step_sizes: Sequence[float] | None = None,
    step_ratios: Sequence[float] | None = None,
    loss: str | Loss = "ce",
    random_start: bool = False,
    seed: int = 0,
    memory: int | None = None,
    part_file: Path | None = None,
    progress: bool = False,
) -> StepSizeSurface:
    """Measure the loss of PGD for every budget, step size and number of steps.

    The result equals independent runs of `linf_pgd`, one for each point of the grid, but a run of M
    steps serves all smaller numbers of steps, and runs that coincide are computed once (see
    `advvid.step_size.plan`).

    Args:
        classifier: the classifier under attack; or a module from clips (B, 3, T, H, W) in [0, 1]
            to logits (B, K), such as a model of `advvid.load_model`.
        clips: (N, 3, T, H, W) in [0, 1], in the layout of the classifier; or a data set of
            `advvid.load_dataset`, a torch `Dataset` or a `DataLoader`, all of which is read.
        labels: int (N,) or one-hot (N, K), of clips that bring none along; None takes the
            predictions of the classifier.
        eps: budgets in (0, 1], E of them.
        max_steps: M, at least 1.
        step_sizes: absolute step sizes, fractions of the pixel range, the same for every budget.
        step_ratios: step sizes as multiples of the budget; the default is `DEFAULT_RATIOS`.
        loss: "ce", "dlr", "cw", or a function (logits, labels) -> (B,).
        random_start: start uniformly in the box of each budget instead of at the clip.
        seed: of the random starts.
        memory: bytes that iterates may take; None chooses by the device.
        part_file: keeps the clips that are done while the sweep runs; when it is there already, the
            sweep is resumed from it.
        progress: show a bar.

    Returns:
        Loss and success of every clip at every point of the grid.

    Raises:
        InputError: when clips, labels, budgets or step sizes cannot be used, or the part file
            belongs to another sweep.

    Source: Kinfu and Vidal 2022, sec. 3.1, Fig. 1 and 2.
    """
    budgets, grid = _grid(eps, step_sizes, step_ratios)
    check_count("max_steps", max_steps)
    asked, source = as_subject(classifier, clips, labels)
    data, known = in_memory(source)
    targets = asked.logits(data).argmax(dim=1).cpu() if known is None else known

    plan = plan_sweep(budgets, grid, max_steps, random_start=random_start)
    seeds = clip_seeds(seed, len(data)) if random_start else None
    size = _clips_at_once(data.shape[1:], plan.width, asked.device, memory)
    batcher = MicroBatcher(default_micro_batch(data.shape[1:], asked.device))
    model = asked.differentiable()
    settings = [budgets.tolist(), grid.tolist(), max_steps, loss, random_start, seed]
    finished = FinishedClips(
        part_file,
        "" if part_file is None else fingerprint(asked.model, [data, targets], settings),
    )
    total = len(data) * (plan.gradients + plan.forwards)
    with frozen(asked.model), progress_bar("Sweep", total, shown=progress) as advance:
        advance(finished.clips * (plan.gradients + plan.forwards))
        for start in range(finished.clips, len(data), size):
            at = slice(start, start + size)
            runner = _TreeRunner(
                model,
                data[at].to(asked.device),
                targets[at].to(asked.device),
                resolve_loss(loss),
                batcher,
                advance,
            )
            finished.add(*runner.run(plan, None if seeds is None else seeds[at]))
    by_node, correct_by_node = (values.numpy() for values in finished.joined())
    if not np.isfinite(by_node).all():
        raise InputError(
            f"the loss is not finite for {int((~np.isfinite(by_node)).any(axis=0).sum())} of "
            f"{len(data)} clips: the model gives NaN or infinite logits"
        )
    offsets = np.cumsum([0, len(plan.roots), *map(len, plan.levels)])[:-1]
    finished.remove()
    index = (plan.node + offsets[:, None, None]).transpose(1, 2, 0)
    return StepSizeSurface(
        eps=budgets, step_sizes=grid, losses=by_node[index], correct=correct_by_node[index]
    )


class _TreeRunner:
    """Computes all iterates of a plan for some clips, level by level."""

    def __init__(
        self,
        model: Model,
        clips: Tensor,
        labels: Tensor,
        loss: Loss,
        batcher: MicroBatcher,
        advance: Advance,
    ) -> None:
        self.model = model
        self.clips = clips
        self.labels = labels
        self.loss = loss
        self.batcher = batcher
        self.advance = advance

    def run(self, plan: SweepPlan, seeds: Tensor | None) -> tuple[Tensor, Tensor]:
        """Give losses and correctness, (nodes of all levels, clips), on the CPU."""
        iterates = self._roots(plan, seeds)
        losses: list[Tensor] = []
        correct: list[Tensor] = []
        for level in plan.levels:
            signs, *measured = self._per_node(self._signs, iterates)
            losses.append(measured[0])
            correct.append(measured[1])
            iterates = self._children(level, iterates, signs)
        last = self._per_node(self._measure, iterates)
        return torch.cat([*losses, last[0]]).cpu(), torch.cat([*correct, last[1]]).cpu()

    def _roots(self, plan: SweepPlan, seeds: Tensor | None) -> Tensor:
        if seeds is None:
            return self.clips[None]
        noise = uniform(seeds.to(self.clips.device), self.clips.shape[1:], stream="pgd start")
        return torch.stack([linf_box(self.clips, eps).at(noise) for eps in plan.roots])

    def _per_node(
        self, function: Callable[[Tensor, Tensor], tuple[Tensor, ...]], iterates: Tensor
    ) -> tuple[Tensor, ...]:
        """Apply a function of (clips, labels) to (K, n, ...) iterates; results are (K, n, ...)."""
        nodes, count = iterates.shape[:2]
        results = self.batcher.run(function, iterates.flatten(0, 1), self.labels.repeat(nodes))
        return tuple(r.view(nodes, count, *r.shape[1:]) for r in results)

    def _signs(self, clips: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        gradient, losses, logits = input_gradient(self.model, clips, labels, self.loss)
        self.advance(len(clips))
        # A sign fits into a byte, a quarter of what the gradient takes.
        return (
            gradient.sign().nan_to_num_(nan=0.0).to(torch.int8),
            losses,
            _correct(logits, labels),
        )

    @torch.no_grad()
    def _measure(self, clips: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        logits = self.model(clips)
        self.advance(len(clips))
        return self.loss(logits, labels), _correct(logits, labels)

    def _children(self, level: Level, iterates: Tensor, signs: Tensor) -> Tensor:
        children = iterates.new_empty((len(level), *iterates.shape[1:]))
        for child, parent, eps, step in zip(
            children, level.parent, level.eps, level.step, strict=True
        ):
            child.copy_(iterates[parent])
            sign_step_(child, signs[parent].to(child.dtype), step, linf_box(self.clips, eps))
        return children


def _correct(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.argmax(dim=1) == labels


def _grid(
    eps: float | Sequence[float],
    step_sizes: Sequence[float] | None,
    step_ratios: Sequence[float] | None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Check budgets and step sizes; give them sorted, as (E,) and (E, A)."""
    if step_sizes is not None and step_ratios is not None:
        raise InputError("give step_sizes (absolute) or step_ratios (multiples of eps), not both")
    budgets = np.unique(np.asarray(as_budgets(eps)))
    for budget in budgets:
        check_budget(float(budget))
    given = step_sizes if step_sizes is not None else step_ratios
    if given is None:
        given = DEFAULT_RATIOS
    if len(given) == 0 or not all(np.isfinite(given)) or not min(given) > 0:
        raise InputError(f"step sizes must be finite and above 0; got {list(given)}")
    choices = np.unique(np.asarray(given, dtype=np.float64))
    scale = np.ones_like(budgets) if step_sizes is not None else budgets
    return budgets, scale[:, None] * choices


def _clips_at_once(
    clip_shape: Sequence[int], width: int, device: torch.device, memory: int | None
) -> int:
    """How many clips go through the tree together.

    Two levels of float32 and one of signs have to fit into memory. More than a few clips would gain
    nothing, as a level is many times wider, and would be lost together by a kill.
    """
    if memory is None:
        memory = 2**29
        if device.type == "cuda":
            memory = torch.cuda.mem_get_info(device)[0] // 3
    clip_bytes = 4 * int(np.prod(clip_shape))
    return max(1, min(_CLIPS_AT_MOST, int(memory / (2.25 * width * clip_bytes))))
