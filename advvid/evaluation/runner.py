"""Works through clips batch by batch and condition by condition, and records each outcome."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from advvid.checks import check_labels
from advvid.data.loader import ClipBatch
from advvid.evaluation.call_count import counted
from advvid.evaluation.condition import Condition, Outcome
from advvid.evaluation.judge import Verdict, changes, judge, located
from advvid.evaluation.plan import EvaluationPlan
from advvid.evaluation.records import CLEAN, Record, Records, by_position
from advvid.random_streams import clip_seeds
from advvid.runs.progress import Bar, Forecast


class _Applied(NamedTuple):
    """What a condition gave for some clips, and what it took."""

    work: tuple[str, list[int]]
    outcome: Outcome
    cost: dict[str, float]


class EvaluationRunner:
    """Runs what is left of an evaluation on the clips of one process.

    Each batch of clips is read once and goes through all conditions, so that no data set is held in
    memory. `records` hold what is done already, and take the rest.
    """

    def __init__(self, plan: EvaluationPlan, records: Records) -> None:
        self.setup, self.conditions, self.h264 = plan.setup, plan.conditions, plan.scoring.h264
        self.classifier, self.target = plan.setup.classifier, plan.target
        self.records = records
        self._clean = by_position(records.known, CLEAN)
        self._done = {one.key: by_position(records.known, one.key) for one in plan.conditions}

    def run(self, share: Sequence[int], bar: Bar) -> None:
        """Do all that is left of some positions, and tell of every clip and condition done."""
        left = [place for place in share if not self._complete(place)]
        bar((len(share) - len(left)) * (1 + len(self.conditions)))
        costs = {CLEAN: 2.0, **{one.key: 2.0 + one.passes for one in self.conditions}}
        forecast = Forecast({kind: len(left) for kind in costs}, costs)
        for batch in self.setup.source.batches(left, self.setup.batch_size):
            self._run_batch(batch, bar, forecast)

    def _complete(self, place: int) -> bool:
        known = self._clean.get(place)
        return known is not None and all(
            place in self._done[one.key]
            or (one.only_correct and not known["correct"])
            or (one.targeted and known["target"] == known["label"])
            for one in self.conditions
        )

    def _run_batch(self, batch: ClipBatch[Tensor | None], bar: Bar, forecast: Forecast) -> None:
        """Score a batch as it is, then under every condition."""
        started = time.perf_counter()

        def finished(kind: str) -> None:
            nonlocal started
            now = time.perf_counter()
            forecast.done(kind, len(batch.clips), now - started)
            started = now
            bar(len(batch.clips))
            bar.expect(forecast.remaining)

        labels, correct, targets = self._score_clean(batch)
        labeled = ClipBatch(batch.clips, labels, batch.indices, batch.skipped)
        finished(CLEAN)
        last: _Applied | None = None
        for condition in self.conditions:
            done = self._done[condition.key]
            wanted = torch.tensor([int(place) not in done for place in batch.indices]).bool()
            if condition.only_correct:
                wanted &= correct.cpu()
            goals = targets if condition.targeted else None
            if goals is not None:
                wanted &= (goals != labels).cpu()
            places = wanted.nonzero().flatten()
            # Several views of each clip must fit where one does.
            for chosen in places.split(max(1, self.setup.batch_size // condition.views)):
                if len(chosen):
                    some = None if goals is None else goals[chosen.to(goals.device)]
                    last = self._apply(condition, _rows(labeled, chosen), some, last)
            finished(condition.key)

    def _score_clean(self, batch: ClipBatch[Tensor | None]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Give labels (B,), which clips (B,) are correct, and targets (B,), on its device."""
        places = batch.indices.tolist()
        device = batch.clips.device
        if all(place in self._clean for place in places):
            known = [self._clean[place] for place in places]
            labels = torch.tensor([row["label"] for row in known], device=device)
            check_labels(labels, len(places), self.classifier.nb_classes)
            correct = torch.tensor([row["correct"] for row in known], device=device).bool()
            if self.target is None:
                return labels, correct, None
            return labels, correct, torch.tensor([row["target"] for row in known], device=device)
        if batch.labels is None:
            labels = self.classifier.logits(batch.clips).argmax(dim=1).to(device)
        else:
            labels = batch.labels.to(device)
            check_labels(labels, len(places), self.classifier.nb_classes)
        with located("under no condition"):
            verdict = judge(self.classifier, batch.clips, labels, h264=self.h264)
        # Of a clip that is known already, the first record counts.
        origins = [self.setup.source.origin(place)._asdict() for place in places]
        values = {"label": labels.tolist(), "origin": origins, **_columns(verdict)}
        targets = None
        if self.target is not None:
            logits = self.classifier.logits(batch.clips).to(device)
            targets = self.target.of(labels, logits, clip_seeds(self.setup.seed, batch.indices))
            values["target"] = targets.tolist()
        frames = {"frames": batch.clips.shape[2]}
        self.records.add(Record(CLEAN, places, values, content=frames))
        return labels, verdict.correct.to(device), targets

    def _apply(
        self,
        condition: Condition,
        batch: ClipBatch,
        targets: Tensor | None,
        last: _Applied | None,
    ) -> _Applied:
        """Apply a condition, unless the last has done its work; judge and record the outcome."""
        aimed = batch if targets is None else batch._replace(labels=targets)
        places = batch.indices.tolist()
        if last is None or last.work != (condition.work, places):
            seeds = clip_seeds(self.setup.seed, batch.indices)
            started = time.perf_counter()
            with counted(self.classifier.inner) as calls:
                outcome = condition.apply(aimed, seeds)
            cost = {"seconds": time.perf_counter() - started, **calls}
            last = _Applied((condition.work, places), outcome, cost)
        changed = condition.check(aimed, last.outcome)
        within = None if condition.rounding is None else (batch.clips, condition.rounding)
        with located(f"under {condition.caption}"):
            verdict = judge(
                self.classifier,
                changed,
                batch.labels,
                h264=self.h264,
                within=within,
                views=condition.views,
                targets=targets,
            )
        values = _columns(verdict)
        report = last.outcome.report.items()
        values |= {f"report_{name}": one.tolist() for name, one in report if one.ndim == 1}
        if condition.strength.axis.clean is not None and condition.views == 1:
            measured = changes(batch.clips, changed).items()
            values |= {f"change_{name}": one.tolist() for name, one in measured}
        self.records.add(Record(condition.key, places, values, last.cost))
        return last


def _columns(verdict: Verdict) -> dict[str, list[Any]]:
    """Give a verdict as lists."""
    return {name: one.tolist() for name, one in vars(verdict).items() if one is not None}


def _rows(batch: ClipBatch, chosen: Tensor) -> ClipBatch:
    """Take some clips of a batch."""
    clips, labels, indices = (field[chosen.to(field.device)] for field in batch[:3])
    return ClipBatch(clips, labels, indices, [])
