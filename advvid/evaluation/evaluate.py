"""Accuracy under attack."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.checks import check_budget, check_clips, check_count, check_labels
from advvid.data.source import ClipSource, MemoryClips
from advvid.errors import InputError
from advvid.estimator.clip_interface import Array
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation.alarms import find_alarms
from advvid.evaluation.cells import Cell, plan_cells
from advvid.evaluation.collect import collect
from advvid.evaluation.records import Record, Records
from advvid.evaluation.result import Evaluation
from advvid.evaluation.runner import EvaluationRunner
from advvid.evaluation.suites import expand
from advvid.runs.fingerprint import fingerprint
from advvid.runs.progress import progress_bar

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def evaluate(
    classifier: VideoClassifier,
    clips: Array | Tensor | ClipSource,
    labels: Array | Tensor | None = None,
    *,
    attacks: str | Sequence[str] = ("pgd",),
    eps: Sequence[float] = (4 / 255, 8 / 255),
    batch_size: int = 32,
    seed: int = 0,
    eot: int = 1,
    h264: int | None = None,
    law: StepSizeLaw | None = None,
    alarms: bool = True,
    parts: Path | None = None,
    fabric: "Fabric | None" = None,
    progress: bool = False,
) -> Evaluation:
    """Measure accuracy under attack, and look for signs that it is over-reported.

    Clips that are misclassified without attack count as wrong and are not attacked. Every result is
    checked against its budget, the pixel range and its support, projected, and scored anew in
    evaluation mode, as it is and after rounding to 8 bits.

    Args:
        classifier: the classifier under attack.
        clips: (N, 3, T, H, W) in [0, 1], in the layout of the classifier; or a source that reads
            them when they are needed, see `advvid.evaluation.DatasetClips`.
        labels: true labels, int (N,) or one-hot (N, K), of clips that are not a source; None takes
            the predictions of the classifier, so that accuracy without attack is 1.
        attacks: names, `NAME[:key=value,...]` (`advvid attacks` lists them), or suites ("quick",
            "standard", "paper"). A text that fixes `eps` is evaluated at that budget only.
        eps: budgets in (0, 1].
        batch_size: clips attacked at once; changes nothing but rounding, except for attacks of
            torchattacks and ART, which draw their random numbers batch by batch.
        seed: of all that is random; each clip has its own stream under advvid's own attacks.
        eot: passes that every prediction and gradient is averaged over, for models that answer at
            random (expectation over transformation, Athalye et al. 2018, "Synthesizing robust
            adversarial examples").
        h264: constant rate factor, 0 to 51: also score results after H.264; None does not.
        law: step size of attacks whose text does not fix it; None is the paper's.
        alarms: measure what the alarms look at (some 45 gradients and a dozen predictions for up to
            32 clips).
        parts: folder that keeps what is done while the evaluation runs; when it is there already,
            the evaluation goes on from it.
        fabric: launched; clips are shared among its processes, and all get the result.
        progress: show a bar.

    Returns:
        What stays correct, clip by clip.

    Raises:
        InputError: when clips, labels, budgets or attacks cannot be used.
        RuntimeError: when an attack left its bound or its support: a defect of the attack.
    """
    law = law or PAPER_LAW
    cells = plan_evaluation(
        classifier, attacks, eps, batch_size=batch_size, seed=seed, eot=eot, h264=h264, law=law
    )
    budgets = tuple(sorted({float(budget) for budget in eps}))
    source = _source(classifier, clips, labels)

    rank, world = (0, 1) if fabric is None else (fabric.global_rank, fabric.world_size)
    with classifier.averaging(eot):
        identity = ""
        if parts is not None:
            tensors, facts = source.identity()
            adapted = classifier._model.adapted
            tensors += [adapted.get_buffer("mean"), adapted.get_buffer("std")]
            settings = [*facts, seed, eot, h264, law, classifier.precision]
            identity = fingerprint(classifier.model, tensors, settings)
        records = Records(parts, identity, rank=rank)
        if fabric is not None:
            # No process may take for known what another has begun to write.
            fabric.barrier()
        runner = EvaluationRunner(
            classifier,
            cells,
            records,
            law=law,
            seed=seed,
            batch_size=batch_size,
            h264=h264,
            budgets=budgets,
            probe=alarms and rank == 0,
        )
        share = range(rank, len(source), world)
        total = len(share) * (1 + len(cells))
        with progress_bar("Evaluate", total, shown=progress and rank == 0) as advance:
            runner.run(source, share, advance)
    evaluation = collect(_gather(records, fabric), cells, eps=budgets, eot=eot)
    if fabric is not None:
        fabric.barrier()
    records.close(remove=rank == 0)
    return replace(evaluation, alarms=find_alarms(evaluation, law)) if alarms else evaluation


def plan_evaluation(
    classifier: VideoClassifier,
    attacks: str | Sequence[str],
    eps: Sequence[float],
    *,
    batch_size: int,
    seed: int,
    eot: int,
    h264: int | None,
    law: StepSizeLaw,
) -> list[Cell]:
    """List what an evaluation will run; whatever is wrong with its settings shows here.

    Args:
        classifier: see `evaluate`, as all other arguments.

    Raises:
        InputError: when budgets, attacks or other settings cannot be used.
    """
    rows = expand([attacks] if isinstance(attacks, str) else attacks)
    for budget in eps:
        check_budget(budget)
    for name, value in (("batch_size", batch_size), ("eot", eot)):
        check_count(name, value)
    if h264 is not None and not (isinstance(h264, int) and 0 <= h264 <= 51):
        raise InputError(f"h264 is a constant rate factor from 0 to 51; got {h264!r}")
    cells = plan_cells(rows, tuple(sorted({float(budget) for budget in eps})))
    if not cells:
        raise InputError("evaluate needs at least one attack and one budget")
    for cell in cells:
        cell.build(classifier, law=law, seed=seed, batch_size=batch_size)
    return list(cells)


def _source(
    classifier: VideoClassifier, clips: Array | Tensor | ClipSource, labels: Array | Tensor | None
) -> ClipSource:
    """Give arrays and tensors as a source."""
    if isinstance(clips, ClipSource):
        if labels is not None:
            raise InputError("a source of clips brings its labels along: leave labels out")
        return clips
    data = classifier.to_clips(clips).detach()
    check_clips(data, input_shape=classifier.clip_shape)
    if labels is None:
        return MemoryClips(data, None)
    targets = classifier.to_labels(labels).to(data.device)
    check_labels(targets, len(data), classifier.nb_classes)
    return MemoryClips(data, targets)


def _gather(records: Records, fabric: "Fabric | None") -> list[Record]:
    """Give every process the records of all."""
    if fabric is None or fabric.world_size == 1:
        return [*records.known, *records.new]
    found: list[list[Record] | None] = [None] * fabric.world_size
    torch.distributed.all_gather_object(found, records.new)
    return [*records.known, *(record for part in found for record in part or [])]
