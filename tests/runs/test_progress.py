import io
import time

import pytest
import torch
from rich.console import Console

import advvid
from advvid.evaluation import MemoryClips, Setup, plan_evaluation
from advvid.evaluation.plan import Scoring
from advvid.evaluation.records import Records
from advvid.evaluation.runner import EvaluationRunner
from advvid.runs import progress
from advvid.runs.progress import Bar, Forecast, progress_bar
from tests.clip_models import CLASSES, LinearClipModel, random_clips


def test_what_was_not_measured_is_taken_from_its_cost() -> None:
    work = Forecast({"noise": 100, "pgd": 100}, {"noise": 2, "pgd": 60})
    assert work.remaining is None
    work.done("noise", 10, 1.0)
    # 0.1 s for noise, thirty times as much for PGD. By counting: 19 s.
    assert work.remaining == pytest.approx(90 * 0.1 + 100 * 3.0)
    work.done("pgd", 10, 15.0)
    assert work.remaining == pytest.approx(90 * 0.1 + 90 * 1.5)


def test_work_that_was_left_out_costs_nothing() -> None:
    work = Forecast({"clean": 4, "pgd": 4}, {"clean": 2, "pgd": 0.0})
    work.done("clean", 0, 0.0)
    assert work.remaining is None
    work.done("clean", 4, 2.0)
    work.done("pgd", 4, 0.0)
    assert work.remaining == 0


def test_the_time_that_an_evaluation_takes_is_told_from_its_first_batch_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Time is counted in clips that pass the model, so that the test depends on no machine."""
    clock = 0.0

    class Timed(LinearClipModel):
        def forward(self, clips: torch.Tensor) -> torch.Tensor:
            nonlocal clock
            clock += len(clips)
            return super().forward(clips)

    told: list[tuple[float, float]] = []

    def expect(self: Bar, seconds: float | None) -> None:
        assert seconds is not None
        told.append((clock, seconds))

    monkeypatch.setattr("advvid.evaluation.runner.time.perf_counter", lambda: clock)
    monkeypatch.setattr(Bar, "expect", expect)
    model = Timed(classes=CLASSES)
    clips, _ = random_clips(20)
    source = MemoryClips(clips, model(clips).argmax(dim=1))
    setup = Setup(advvid.VideoClassifier(model), source, batch_size=4)
    attacks = ["random-noise", "pgd:max_iter=4", "pgd:max_iter=80"]
    plan = plan_evaluation(setup, attacks=attacks, eps=[1e-6], scoring=Scoring(alarms=False))
    with progress_bar("Evaluate", 80, shown=False) as bar:
        EvaluationRunner(plan, Records(None, "")).run(range(20), bar)
    (first, at_first), *_ = told
    # After the clean clips alone the guess is a gradient for three passes: here it is one.
    assert clock - first < at_first < 4 * (clock - first)
    for now, seconds in told[3:]:
        assert seconds == pytest.approx(clock - now)


def test_the_bar_shows_what_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(
        progress, "Terminal", lambda **_: Console(file=shown, force_terminal=True, width=120)
    )
    monkeypatch.setattr(time, "monotonic", lambda: 50.0)
    with progress_bar("Evaluate", 100) as bar:
        bar(1)
        bar.expect(193)
        bar._progress.refresh()
    assert "ETA 0:03:13" in shown.getvalue().replace("\x1b[36m", "").replace("\x1b[0m", "")
