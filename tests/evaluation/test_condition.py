"""A condition that the package has never heard of goes through everything an evaluation does."""

import csv
import io
import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from torch import Tensor

import advvid
from advvid.data.loader import ClipBatch
from advvid.errors import InputError
from advvid.evaluation import (
    Axis,
    Condition,
    MemoryClips,
    Outcome,
    Setup,
    Strength,
    evaluate,
    evaluate_into,
    plan_evaluation,
)
from advvid.methods import Setting
from advvid.random_streams import uniform
from tests.clip_models import CLASSES, LinearClipModel, random_clips

SHIFT = Axis("shift", unit="%", kind="brightness", clean=0.0, scale=100.0)


class Brighter(Condition):
    """Shifts every pixel; the stronger, the brighter."""

    def __init__(self, shift: float, name: str = "brighter") -> None:
        self.name = self.group = name
        self.strength = Strength(shift, SHIFT)
        self.settings = {"shift": shift}

    def apply(self, batch: ClipBatch, seeds: Tensor) -> Outcome:
        shifted = (batch.clips + self.strength.value).clamp(0, 1)
        return Outcome(shifted, {"mean": shifted.mean(dim=(1, 2, 3, 4))})


class Views(Brighter):
    """Three noisy views of each clip."""

    views = 3

    def apply(self, batch: ClipBatch, seeds: Tensor) -> Outcome:
        noise = [uniform(seeds, batch.clips.shape[1:], stream="views", draw=k) for k in range(3)]
        views = [(batch.clips + self.strength.value * n).clamp(0, 1) for n in noise]
        return Outcome(torch.stack(views, dim=1).flatten(0, 1))


class Steps(Brighter):
    """Stands for several strengths, and has a setting."""

    most: Annotated[float, Setting("largest shift", above=0, at_most=1)] = 0.6

    def __init__(self, most: float = 0.6) -> None:
        super().__init__(most, "steps")
        self.most = most

    def plan(self, setup: Setup) -> list[Condition]:
        return [Brighter(self.most * k / 2, "steps") for k in (1, 2)]


def case(count: int = 15) -> tuple[LinearClipModel, Tensor, Tensor]:
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(count)
    labels = model(clips).argmax(1)
    labels[::3] = (labels[::3] + 1) % CLASSES
    return model, clips, labels


def expected(model: LinearClipModel, clips: Tensor, labels: Tensor, shift: float) -> list[bool]:
    found: list[bool] = (model((clips + shift).clamp(0, 1)).argmax(1) == labels).tolist()
    return found


def test_two_strengths_are_two_columns_and_every_clip_counts() -> None:
    model, clips, labels = case()
    conditions = [Brighter(0.6), Brighter(0.3), Brighter(0.3, "other")]
    classifier = advvid.VideoClassifier(model)
    found = evaluate(
        classifier, clips, labels, attacks=[], conditions=conditions, batch_size=4, alarms=True
    )
    for result in found.results:
        shift = result.strength.value
        assert result.correct.tolist() == expected(model, clips, labels, shift)
        # Clips that are wrong without it are worth the work too.
        assert result.applied == 15
        assert not np.isnan(result.loss).any()
    assert found.probes == {}
    assert found.alarms == ()
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in found.to_markdown().splitlines()
    ]
    assert lines[0] == ["brightness", "shift 0", "shift 30", "shift 60", "n", "seconds"]
    assert [line[0] for line in lines[2:]] == [
        "brighter",
        "other",
        "worst case",
        "worst case, 8 bits",
    ]
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    (first, *_) = content["results"]
    assert first["brightness"] == first["condition"] == "brighter"
    assert (first["shift"], first["strength"], first["unit"]) == (60, 60, "%")
    assert len(first["clip_mean"]) == 15
    assert [row["shift"] for row in content["worst"]] == [30, 60]
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [row["brightness"] for row in rows] == [
        "none",
        "brighter",
        "brighter",
        "other",
        "worst case",
        "worst case",
    ]
    assert rows[1]["axis"] == "shift"
    assert found.accuracy("brighter", 0.6).correct == sum(expected(model, clips, labels, 0.6))
    worst = np.array(expected(model, clips, labels, 0.3)) & found.clean
    assert found.worst(Strength(0.3, SHIFT)).tolist() == worst.tolist()


def test_views_are_averaged_whatever_the_batches() -> None:
    model, clips, labels = case()
    runs = [
        evaluate(
            advvid.VideoClassifier(model),
            clips,
            labels,
            attacks=[],
            conditions=Views(0.8),
            batch_size=size,
        ).results[0]
        for size in (2, 15)
    ]
    np.testing.assert_array_equal(runs[0].correct, runs[1].correct)
    outcome = Views(0.8).apply(
        ClipBatch(clips, labels, torch.arange(15), []),
        advvid.random_streams.clip_seeds(0, 15),
    )
    scores = model(outcome.clips).softmax(1).view(15, 3, CLASSES).mean(1)
    np.testing.assert_array_equal(runs[0].correct, (scores.argmax(1) == labels).numpy())
    losses = -scores.log()[torch.arange(15), labels]
    np.testing.assert_allclose(runs[0].loss, losses.detach(), rtol=1e-4)


def test_it_is_resumed_beside_attacks(tmp_path: Path) -> None:
    model, clips, labels = case()

    class Stopped(Brighter):
        calls = 0

        def apply(self, batch: ClipBatch, seeds: Tensor) -> Outcome:
            Stopped.calls += 1
            if Stopped.calls == 3:
                raise KeyboardInterrupt
            return super().apply(batch, seeds)

    def run(condition: Condition, **kwargs: Any) -> Any:
        return evaluate(
            advvid.VideoClassifier(model),
            clips,
            labels,
            attacks=["pgd:max_iter=2"],
            eps=[0.1],
            conditions=[condition],
            batch_size=4,
            alarms=False,
            **kwargs,
        )

    with pytest.raises(KeyboardInterrupt):
        run(Stopped(0.6), parts=tmp_path / "parts")
    resumed = run(Stopped(0.6), parts=tmp_path / "parts")
    # Four batches: two were done, one was stopped, two were left.
    assert Stopped.calls == 5
    whole = run(Brighter(0.6))
    for ours, theirs in zip(resumed.results, whole.results, strict=True):
        assert ours.correct.tolist() == theirs.correct.tolist()
        assert ours.applied == theirs.applied
    assert whole.kinds == ("attack", "brightness")
    assert whole.to_markdown().count("| --- |") == 2


def test_a_folder_holds_tables_numbers_and_figures_of_it(tmp_path: Path) -> None:
    model, clips, labels = case()
    plan = plan_evaluation(
        Setup(advvid.VideoClassifier(model), MemoryClips(clips, labels)),
        attacks="none",
        conditions=[Brighter(0.3), Brighter(0.6)],
    )
    assert plan.settings[0] == {"brightness": "brighter", "shift": 30, "settings": {"shift": 0.3}}
    run = tmp_path / "run"
    evaluation = evaluate_into(run, plan)
    names = {path.name for path in run.iterdir()}
    assert {"accuracy_brightness.png", "brightness_types.png", "comparison.gif"} <= names
    assert {"results.json", "results.csv", "table.md", "config.json"} <= names
    assert "shift in %" in (run / "table.md").read_text()
    assert len(evaluation.results) == 2


def test_somebody_elses_is_named_by_its_module_and_may_stand_for_several() -> None:
    model, clips, labels = case()
    text = "tests.evaluation.test_condition:Steps:most=0.6"
    found = evaluate(advvid.VideoClassifier(model), clips, labels, attacks=[], conditions=[text])
    assert [result.strength.value for result in found.results] == [0.3, 0.6]
    for result in found.results:
        assert result.correct.tolist() == expected(model, clips, labels, result.strength.value)


def test_every_score_is_there_where_nothing_is_correct() -> None:
    classifier = advvid.VideoClassifier(advvid.load_model("motions-r3d"))
    clips, labels = advvid.load_dataset("motions").sample(2)
    found = evaluate(classifier, clips, (labels + 1) % 10, attacks="random-noise", h264=30)
    assert found.clean_accuracy.correct == 0
    assert found.worst(8 / 255, scored="correct_h264").tolist() == [False, False]
    assert "worst case" not in found.to_markdown()


def test_what_leaves_the_pixel_range_is_refused() -> None:
    model, clips, labels = case()

    class Burnt(Brighter):
        def apply(self, batch: ClipBatch, seeds: Tensor) -> Outcome:
            return Outcome(batch.clips + 1)

    with pytest.raises(RuntimeError, match="left the pixel range"):
        evaluate(advvid.VideoClassifier(model), clips, labels, attacks=[], conditions=[Burnt(1.0)])


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("samplin", "did you mean sampling"),
        ("sampling:clip=4", "did you mean clips"),
        ("sampling:clips=0", "at least 1"),
        ("sampling:kind=sparse", "one of uniform, dense"),
        ("sampling", "come from none"),
        ([Brighter(0.1), Brighter(0.1)], "twice"),
        ("nowhere.module:Class", "cannot import"),
        ("tests.evaluation.test_condition:Steps:most=2", "at most 1"),
        ("tests.evaluation.test_condition:case", "subclass"),
    ],
)
def test_conditions_that_cannot_be_evaluated_are_one_line(condition: Any, words: str) -> None:
    model, clips, labels = case()
    with pytest.raises(InputError, match=words) as error:
        evaluate(advvid.VideoClassifier(model), clips, labels, attacks=[], conditions=condition)
    assert "\n" not in str(error.value)
