"""Works through clips batch by batch and condition by condition, and records each outcome."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from advvid.checks import check_labels
from advvid.data.loader import ClipBatch
from advvid.evaluation.call_count import counted
from advvid.evaluation.condition import Condition, Outcome, Setup
from advvid.evaluation.judge import Verdict, judge
from advvid.evaluation.records import Record, Records, by_position
from advvid.random_streams import clip_seeds
from advvid.runs.progress import Advance

CLEAN = "clean"


class _Applied(NamedTuple):
    """What a condition gave for some clips, and what it took."""

    work: str
    positions: Tensor
    outcome: Outcome
    cost: Mapping[str, float]


class EvaluationRunner:
    """Runs what is left of an evaluation on the clips of one process.

    Each batch of clips is read once and goes through all conditions, so that no data set is held in
    memory.

    Args:
        setup: classifier, clips, batch size and seed.
        conditions: planned.
        records: what is done already, and where to write the rest.
        h264: constant rate factor, or None.
    """

    def __init__(
        self,
        setup: Setup,
        conditions: Sequence[Condition],
        records: Records,
        *,
        h264: int | None,
    ) -> None:
        self.setup = setup
        self.classifier = setup.classifier
        self.conditions = conditions
        self.records = records
        self.h264 = h264
        self._done = {one.key: records.done(one.key) for one in conditions}
        self._clean = by_position(records.known, CLEAN)

    def run(self, share: Sequence[int], advance: Advance) -> None:
        """Do all that is left of a share of the clips.

        Args:
            share: positions that this process is responsible for.
            advance: is told of every clip and condition that is done.
        """
        left = [place for place in share if not self._complete(place)]
        advance((len(share) - len(left)) * (1 + len(self.conditions)))
        for batch in self.setup.source.batches(left, self.setup.batch_size):
            self._run_batch(batch, advance)

    def _complete(self, place: int) -> bool:
        known = self._clean.get(place)
        return known is not None and all(
            place in self._done[one.key] or (one.only_correct and not known["correct"])
            for one in self.conditions
        )

    def _run_batch(self, batch: ClipBatch[Tensor | None], advance: Advance) -> None:
        """Score a batch as it is, then under every condition."""
        labels, correct = self._score_clean(batch)
        labeled = ClipBatch(batch.clips, labels, batch.indices, batch.skipped)
        advance(len(batch.clips))
        last: _Applied | None = None
        for condition in self.conditions:
            done = self._done[condition.key]
            wanted = torch.tensor([int(place) not in done for place in batch.indices]).bool()
            if condition.only_correct:
                wanted &= correct.cpu()
            places = wanted.nonzero().flatten()
            # Several views of each clip must fit where one does.
            for chosen in places.split(max(1, self.setup.batch_size // condition.views)):
                if len(chosen):
                    last = self._apply(condition, _rows(labeled, chosen), last)
            advance(len(batch.clips))

    def _score_clean(self, batch: ClipBatch[Tensor | None]) -> tuple[Tensor, Tensor]:
        """Give the labels (B,) of a batch and which clips (B,) are correct, on its device."""
        places = batch.indices.tolist()
        device = batch.clips.device
        if all(place in self._clean for place in places):
            known = [self._clean[place] for place in places]
            labels = torch.tensor([row["label"] for row in known], device=device)
            return labels, torch.tensor([row["correct"] for row in known], device=device).bool()
        if batch.labels is None:
            labels = self.classifier.logits(batch.clips).argmax(dim=1).to(device)
        else:
            labels = batch.labels.to(device)
            check_labels(labels, len(places), self.classifier.nb_classes)
        verdict = judge(self.classifier, batch.clips, labels, h264=self.h264)
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

    def _apply(self, condition: Condition, batch: ClipBatch, last: _Applied | None) -> _Applied:
        """Apply a condition, judge the outcome and record it."""
        if (
            last is None
            or last.work != condition.work
            or not torch.equal(last.positions, batch.indices)
        ):
            seeds = clip_seeds(self.setup.seed, batch.indices)
            started = time.perf_counter()
            with counted(self.classifier.inner) as calls:
                outcome = condition.apply(batch, seeds)
            seconds = time.perf_counter() - started
            cost = {"seconds": seconds, "forwards": calls.forwards, "gradients": calls.gradients}
            last = _Applied(condition.work, batch.indices, outcome, cost)
        verdict = judge(
            self.classifier,
            condition.check(batch, last.outcome),
            batch.labels,
            h264=self.h264,
            within=None if condition.rounding is None else (batch.clips, condition.rounding),
            views=condition.views,
        )
        report = {
            f"report_{name}": column.tolist()
            for name, column in last.outcome.report.items()
            if column.ndim == 1
        }
        values = {**_columns(verdict), **report}
        self.records.add(Record(condition.key, batch.indices.tolist(), values, dict(last.cost)))
        return last


def _columns(verdict: Verdict) -> dict[str, list[float]]:
    """Give a verdict as lists; flags as 0 and 1."""
    columns = {
        "predicted": verdict.predicted.tolist(),
        "correct": verdict.correct.int().tolist(),
        "correct_8bit": verdict.correct_8bit.int().tolist(),
        "loss": verdict.loss.tolist(),
    }
    if verdict.correct_h264 is not None:
        columns["correct_h264"] = verdict.correct_h264.int().tolist()
    return columns


def _rows(batch: ClipBatch, chosen: Tensor) -> ClipBatch:
    """Take some clips of a batch."""
    clips, labels, indices = (field[chosen.to(field.device)] for field in batch[:3])
    return ClipBatch(clips, labels, indices, [])
