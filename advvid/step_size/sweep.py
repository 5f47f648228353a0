"""Sweep PGD's step size: the adversarial loss over (budget, step size, number of steps)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from advvid.attacks.core.ascent import input_gradient, steepest_step_
from advvid.attacks.core.linf_box import linf_box
from advvid.attacks.core.losses import LOSSES, Loss, resolve_loss
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen
from advvid.inference.micro_batch import MicroBatcher, default_micro_batch
from advvid.methods import Setting
from advvid.methods.arguments import checked
from advvid.pairing.given import (
    GivenClips,
    GivenLabels,
    GivenModel,
    GivenVideos,
    as_subject,
    in_memory,
)
from advvid.random_streams import clip_seeds, uniform
from advvid.runs.fingerprint import fingerprint
from advvid.runs.progress import Advance, progress_bar
from advvid.step_size.finished_clips import FinishedClips
from advvid.step_size.grid import DEFAULT_BUDGETS, Numbers, Refine, read_grid
from advvid.step_size.optimum import finer_step_sizes
from advvid.step_size.plan import Level, SweepPlan, plan_sweep
from advvid.step_size.surface import StepSizeSurface

_CLIPS_AT_MOST = 8


@checked
def sweep_step_size(
    classifier: GivenModel,
    clips: GivenClips,
    labels: GivenLabels = None,
    *,
    eps: Numbers = DEFAULT_BUDGETS,
    max_steps: Annotated[int, Setting("steps", at_least=1, at_most=10_000)] = 10,
    step_sizes: Numbers | None = None,
    step_ratios: Numbers | None = None,
    refine: Refine = 4,
    loss: Annotated[str | Loss, Setting("what PGD maximizes", choices=tuple(LOSSES))] = "ce",
    random_start: Annotated[bool, Setting("start at random in the budget")] = False,
    seed: Annotated[int, Setting("of the random starts", at_least=0)] = 0,
    videos: GivenVideos = None,
    memory: Annotated[int | None, Setting("of the iterates", unit="bytes", at_least=1)] = None,
    part_file: Annotated[str | Path | None, Setting("keeps the clips that are done")] = None,
    progress: Annotated[bool, Setting("show a bar")] = False,
) -> StepSizeSurface:
    """Measure the loss of PGD for every budget, step size and number of steps.

    The result equals independent runs of `linf_pgd`, one for each point of the grid, but a run of M
    steps serves all smaller numbers of steps, and runs that coincide are computed once (see
    `advvid.step_size.plan`). Then `refine` further step sizes are measured for each budget, between
    the best one and its neighbors.

    Args:
        classifier: the classifier under attack; or a module from clips (B, 3, T, H, W) in [0, 1]
            to logits (B, K), such as a model of `advvid.load_model`.
        clips: (N, 3, T, H, W) in [0, 1], in the layout of the classifier; or a data set of
            `advvid.load_dataset`, a torch `Dataset` or a `DataLoader`, all of which is read.
        labels: int (N,) or one-hot (N, K), of clips that bring none along; None takes the
            predictions of the classifier.
        eps: budgets in (0, 1], E of them; one number is one budget.
        max_steps: M, at least 1.
        step_sizes: absolute step sizes, fractions of the pixel range, the same for every budget.
        step_ratios: step sizes as multiples of the budget; the default is `DEFAULT_RATIOS`.
        refine: K, further step sizes for each budget around its best; 0 measures the grid only.
        loss: "ce", "dlr", "cw", or a function (logits, labels) -> (B,).
        random_start: start uniformly in the box of each budget instead of at the clip.
        seed: of the random starts.
        videos: name or number of the video that each clip is taken from, (N,), of clips in memory,
            a torch `Dataset` or a `DataLoader`, in the order of the data: clips of one video are
            not independent of each other, and intervals count videos. None takes each clip for a
            video of its own. Data sets of `advvid.load_dataset` bring them along.
        memory: bytes that iterates may take; None chooses by the device.
        part_file: keeps the clips that are done while the sweep runs; when it is there already, the
            sweep is resumed from it.
        progress: show a bar.

    Returns:
        Loss and success of every clip at every budget and step size, A + K of them.

    Raises:
        InputError: when clips, labels, budgets or step sizes cannot be used, or the part file
            belongs to another sweep.

    Source: Kinfu and Vidal 2022, sec. 3.1, Fig. 1 and 2.
    """
    budgets, grid = read_grid(eps, step_sizes, step_ratios)
    asked, source = as_subject(classifier, clips, labels, videos)
    data, known, numbers = in_memory(source)
    targets = asked.logits(data).argmax(dim=1).cpu() if known is None else known

    sweep = _Sweep(asked, data, targets, resolve_loss(loss), seed if random_start else None, memory)
    followed = "log odds" if loss == "ce" else loss
    settings = [budgets.tolist(), max_steps, followed, random_start, seed]
    found: list[StepSizeSurface] = []
    # Both are kept until all is done: a sweep that is killed in its second part has its first.
    kept: list[Path | None] = [None, None]
    if part_file is not None:
        first = Path(part_file)
        kept = [first, first.with_stem(f"{first.stem}-refined")]
    grids = [grid]
    for path in kept[: 2 if refine and grid.shape[1] > 1 else 1]:
        if found:
            grids.append(finer_step_sizes(grid, found[0].loss[..., -1], refine))
        plan = plan_sweep(budgets, grids[-1], max_steps, random_start=random_start)
        mark = ""
        if path is not None:
            mark = fingerprint(asked.model, [data, targets], [*settings, grids[-1].tolist()])
        nodes = len(plan.roots) + sum(map(len, plan.levels))
        finished = FinishedClips(path, mark, nodes, len(data))
        losses, correct = sweep.measure(
            plan, finished, "Refinement" if found else "Sweep", progress=progress
        )
        if loss == "ce":
            # PGD follows the log odds of an error; a surface shows cross-entropy.
            losses = np.logaddexp(np.float32(0), losses)
        found.append(
            StepSizeSurface(
                budgets, grids[-1], losses, correct, plan.gradients, plan.forwards, numbers
            )
        )
    for path in kept:
        if path is not None:
            path.unlink(missing_ok=True)
    return found[0] if len(found) == 1 else found[0].joined(found[1])


class _Sweep:
    """Measures plans on the same clips of the same classifier."""

    def __init__(
        self,
        classifier: VideoClassifier,
        data: Tensor,
        targets: Tensor,
        loss: Loss,
        start_seed: int | None,
        memory: int | None,
    ) -> None:
        self.classifier, self.data, self.targets, self.loss = classifier, data, targets, loss
        self.seeds = None if start_seed is None else clip_seeds(start_seed, len(data))
        self.memory = memory
        self.batcher = MicroBatcher(default_micro_batch(data.shape[1:], classifier.device))

    def measure(
        self, plan: SweepPlan, finished: FinishedClips, title: str, *, progress: bool
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Give losses and correctness at every point of the grid, (E, A, M + 1, N).

        Raises:
            InputError: when the model gives losses that are not finite.
        """
        classifier, data, passes = self.classifier, self.data, plan.gradients + plan.forwards
        size = _clips_at_once(data.shape[1:], plan.width, classifier.device, self.memory)
        with (
            frozen(classifier.model),
            progress_bar(title, len(data) * passes, shown=progress) as advance,
        ):
            advance(finished.clips * passes)
            for start in range(finished.clips, len(data), size):
                at = slice(start, start + size)
                runner = _TreeRunner(
                    classifier.differentiable(),
                    data[at].to(classifier.device),
                    self.targets[at].to(classifier.device),
                    self.loss,
                    self.batcher,
                    advance,
                )
                finished.add(*runner.run(plan, None if self.seeds is None else self.seeds[at]))
        by_node, correct_by_node = (values.numpy() for values in finished.joined())
        if not np.isfinite(by_node).all():
            raise InputError(
                f"the loss is not finite for {int((~np.isfinite(by_node)).any(axis=0).sum())} of "
                f"{len(data)} clips: the model gives NaN or infinite logits"
            )
        offsets = np.cumsum([0, len(plan.roots), *map(len, plan.levels)])[:-1]
        index = (plan.node + offsets[:, None, None]).transpose(1, 2, 0)
        return by_node[index], correct_by_node[index]


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
            steepest_step_(child, signs[parent].to(child.dtype), step, linf_box(self.clips, eps))
        return children


def _correct(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.argmax(dim=1) == labels


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
