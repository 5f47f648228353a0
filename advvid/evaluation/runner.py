"""Attacks clips cell by cell, and writes down how each clip fared."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from advvid.attacks.core.step_law import StepSizeLaw
from advvid.attacks.core.video_attack import Attacked
from advvid.checks import check_labels
from advvid.data.loader import ClipBatch
from advvid.data.source import ClipSource
from advvid.estimator.video_classifier import VideoClassifier
from advvid.evaluation.call_count import counted
from advvid.evaluation.cells import Cell
from advvid.evaluation.judge import Verdict, held_to_bound, judge
from advvid.evaluation.probes import measure_probes
from advvid.evaluation.records import Record, Records, by_position
from advvid.runs.progress import Advance

CLEAN = "clean"
PROBES = "probes"
_PROBED_AT_MOST = 32


class _Last(NamedTuple):
    """What the last attack gave for some clips, and what it took."""

    text: str
    positions: Tensor
    attacked: Attacked
    cost: Mapping[str, float]


class EvaluationRunner:
    """Runs what is left of an evaluation on the clips of one process.

    Each batch of clips is read once and goes through all attacks, so that no data set is held in
    memory.

    Args:
        classifier: the classifier under attack.
        cells: attacks and budgets.
        records: what is done already, and where to write the rest.
        law: step size of attacks that have no other.
        seed: of all that is random.
        batch_size: clips at once.
        h264: constant rate factor, or None.
        budgets: of the evaluation.
        probe: whether this process measures what the alarms look at.
    """

    def __init__(
        self,
        classifier: VideoClassifier,
        cells: Sequence[Cell],
        records: Records,
        *,
        law: StepSizeLaw,
        seed: int,
        batch_size: int,
        h264: int | None,
        budgets: Sequence[float],
        probe: bool,
    ) -> None:
        self.classifier = classifier
        self.cells = cells
        self.records = records
        self.law = law
        self.seed = seed
        self.batch_size = batch_size
        self.h264 = h264
        self.budgets = budgets
        self.probe = probe and not any(r.cell == PROBES for r in records.known)
        self._done = {cell.key: records.done(cell.key) for cell in cells}
        self._clean = by_position(records.known, CLEAN)

    def run(self, source: ClipSource, share: Sequence[int], advance: Advance) -> None:
        """Do all that is left of a share of the clips.

        Args:
            source: of the clips.
            share: positions that this process is responsible for.
            advance: is told of every clip and cell that is done.
        """
        if self.probe:
            self._probe(source)
        left = [place for place in share if not self._complete(place)]
        advance((len(share) - len(left)) * (1 + len(self.cells)))
        for part in source.batches(left, self.batch_size):
            self._run_part(part, advance)

    def _complete(self, place: int) -> bool:
        known = self._clean.get(place)
        if known is None:
            return False
        return not known["correct"] or all(place in done for done in self._done.values())

    def _run_part(self, part: ClipBatch[Tensor | None], advance: Advance) -> None:
        """Score a batch without attack, then under every one."""
        labels, correct = self._score_clean(part)
        advance(len(part.clips))
        standing = (part.indices[correct], part.clips[correct], labels[correct])
        attacked: _Last | None = None
        for cell in self.cells:
            done = self._done[cell.key]
            open_ = torch.tensor([int(place) not in done for place in standing[0]]).bool()
            if open_.any():
                positions, clips, targets = (_rows(field, open_) for field in standing)
                attacked = self._run_cell(cell, positions, clips, targets, attacked)
            advance(len(part.clips))

    def _score_clean(self, part: ClipBatch[Tensor | None]) -> tuple[Tensor, Tensor]:
        """Give the labels (B,) of a batch and which clips (B,) are correct, on its device."""
        places = part.indices.tolist()
        device = part.clips.device
        if all(place in self._clean for place in places):
            known = [self._clean[place] for place in places]
            labels = torch.tensor([row["label"] for row in known], device=device)
            return labels, torch.tensor([row["correct"] for row in known], device=device).bool()
        if part.labels is None:
            labels = self.classifier.logits(part.clips).argmax(dim=1).to(device)
        else:
            labels = part.labels.to(device)
            check_labels(labels, len(places), self.classifier.nb_classes)
        verdict = judge(self.classifier, part.clips, labels, h264=self.h264)
        fresh = [i for i, place in enumerate(places) if place not in self._clean]
        values = {"label": labels.tolist(), **_columns(verdict)}
        self.records.add(
            Record(
                CLEAN,
                [places[i] for i in fresh],
                {name: [column[i] for i in fresh] for name, column in values.items()},
            )
        )
        return labels, verdict.correct.to(device)

    def _probe(self, source: ClipSource) -> None:
        """Measure what the alarms look at, on the first clips that are classified correctly."""
        found: list[tuple[Tensor, Tensor]] = []
        for part in source.batches(range(min(_PROBED_AT_MOST, len(source))), self.batch_size):
            predicted = self.classifier.logits(part.clips).argmax(dim=1).to(part.clips.device)
            labels = predicted if part.labels is None else part.labels.to(predicted.device)
            correct = predicted == labels
            found.append((part.clips[correct], labels[correct]))
        if any(len(labels) for _, labels in found):
            clips, labels = (torch.cat(parts) for parts in zip(*found, strict=True))
            content = measure_probes(
                self.classifier,
                clips,
                labels,
                eps=self.budgets,
                law=self.law,
                batch_size=self.batch_size,
                seed=self.seed,
            )
            self.records.add(Record(PROBES, [], content=content))

    def _run_cell(
        self,
        cell: Cell,
        positions: Tensor,
        clips: Tensor,
        labels: Tensor,
        last: _Last | None,
    ) -> _Last:
        """Attack clips, judge the result and write it down."""
        spec = cell.row.spec
        # An attack without a budget gives the same for all of them, at the same cost.
        again = last is not None and spec.entry.norm == "none" and last.text == spec.text
        if again and last is not None and torch.equal(last.positions, positions):
            attacked, cost = last.attacked, last.cost
        else:
            started = time.perf_counter()
            with counted(self.classifier.inner) as calls:
                attack = cell.build(
                    self.classifier, law=self.law, seed=self.seed, batch_size=len(clips)
                )
                attacked = attack.attack_clips(clips, labels, positions=positions.cpu())
            if attacked.clips.is_cuda:
                torch.cuda.synchronize(attacked.clips.device)
            seconds = time.perf_counter() - started
            cost = {"seconds": seconds, "forwards": calls.forwards, "gradients": calls.gradients}
        adversarial = held_to_bound(spec.text, clips, attacked, eps=cell.eps, norm=spec.entry.norm)
        within = None if spec.entry.norm == "L2" else (clips, cell.eps)
        verdict = judge(self.classifier, adversarial, labels, h264=self.h264, within=within)
        report = {
            f"report_{name}": column.tolist()
            for name, column in attacked.report.items()
            if column.ndim == 1
        }
        self.records.add(
            Record(
                cell.key,
                positions.tolist(),
                {**_columns(verdict), **report},
                dict(cost),
            )
        )
        return _Last(spec.text, positions, attacked, cost)


def _columns(verdict: Verdict) -> dict[str, list[float]]:
    """Spell a verdict as lists; flags as 0 and 1."""
    columns = {
        "predicted": verdict.predicted.tolist(),
        "correct": verdict.correct.int().tolist(),
        "correct_8bit": verdict.correct_8bit.int().tolist(),
        "loss": verdict.loss.tolist(),
    }
    if verdict.correct_h264 is not None:
        columns["correct_h264"] = verdict.correct_h264.int().tolist()
    return columns


def _rows(values: Tensor | None, chosen: Tensor) -> Tensor:
    assert values is not None
    return values[chosen.to(values.device)]
