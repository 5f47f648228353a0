"""A stopped evaluation goes on where it was, and clips are read when they are needed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import advvid
from advvid.data.loader import ClipBatch
from advvid.errors import InputError
from advvid.evaluation import DatasetClips, Evaluation, MemoryClips, evaluate
from advvid.evaluation.condition import Setup
from advvid.evaluation.evaluate import evaluate_into
from advvid.evaluation.plan import Scoring, plan_evaluation
from advvid.runs.run_folder import RunFolder
from tests.clip_models import CLASSES, LinearClipModel, random_clips

ATTACKS = ["pgd:num_random_init=1,max_iter=2,eps_step=1e-4", "masked-pgd:max_iter=2"]
EPS = [0.05, 0.5]


class Counting(nn.Module):
    """Counts the clips that pass through, and stops when too many have."""

    def __init__(self, inner: nn.Module, at_most: int | None = None) -> None:
        super().__init__()
        self.inner, self.at_most = inner, at_most
        self.num_classes = CLASSES
        self.passed = 0

    def forward(self, clips: Tensor) -> Tensor:
        self.passed += len(clips)
        if self.at_most is not None and self.passed > self.at_most:
            raise KeyboardInterrupt
        logits: Tensor = self.inner(clips)
        return logits


def case() -> tuple[LinearClipModel, Tensor, Tensor]:
    model = LinearClipModel(classes=CLASSES)
    clips, _ = random_clips(20)
    clips = 0.2 + 0.6 * clips
    labels = model(clips).argmax(1)
    labels[::5] = (labels[::5] + 1) % CLASSES
    return model, clips, labels


def outcome(found: Evaluation) -> list[Any]:
    flags = [(r.attack, r.eps, r.correct.tolist(), r.correct_8bit.tolist()) for r in found.results]
    calls = [(r.applied, r.forwards, r.gradients) for r in found.results]
    return [found.labels.tolist(), found.clean.tolist(), flags, calls, found.probes]


def run(model: nn.Module, clips: Tensor, labels: Tensor, **kwargs: Any) -> Evaluation:
    return evaluate(
        advvid.VideoClassifier(model),
        clips,
        labels,
        attacks=ATTACKS,
        eps=EPS,
        batch_size=3,
        **kwargs,
    )


@pytest.mark.parametrize("at_most", [3, 60, 1520, 1670])
def test_a_stopped_evaluation_does_only_what_is_left(at_most: int, tmp_path: Path) -> None:
    model, clips, labels = case()
    whole = Counting(model)
    unbroken = run(whole, clips, labels)
    assert whole.passed > at_most
    first = Counting(model, at_most)
    with pytest.raises(KeyboardInterrupt):
        run(first, clips, labels, parts=tmp_path / "parts")
    rest = Counting(model)
    resumed = run(rest, clips, labels, parts=tmp_path / "parts")
    assert outcome(resumed) == outcome(unbroken)
    # Probes come first and are not repeated once they are there.
    assert (rest.passed < whole.passed) == (at_most > 1500)
    assert not (tmp_path / "parts").exists()


def test_a_kill_while_results_are_written_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner, clips, labels = case()
    model = Counting(inner)
    setup = Setup(advvid.VideoClassifier(model), MemoryClips(clips, labels))
    plan = plan_evaluation(setup, attacks=ATTACKS, eps=EPS, scoring=Scoring(alarms=False))
    folder = RunFolder(tmp_path / "run", "evaluate", {})
    with monkeypatch.context() as broken:
        broken.setattr(RunFolder, "write_json", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            evaluate_into(folder, plan, pictures=0)
    model.passed = 0
    evaluate_into(folder, plan, pictures=0)
    assert model.passed == 0
    assert not (folder.path / "parts").exists()
    assert (folder.path / "results.json").exists()


def test_another_model_or_seed_does_not_go_on(tmp_path: Path) -> None:
    model, clips, labels = case()
    with pytest.raises(KeyboardInterrupt):
        run(Counting(model, 200), clips, labels, parts=tmp_path / "parts")
    other = LinearClipModel(classes=CLASSES, seed=1)
    for changed, seed in ((other, 0), (model, 1)):
        with pytest.raises(InputError, match="another evaluation"):
            run(Counting(changed), clips, labels, parts=tmp_path / "parts", seed=seed)


def test_another_normalization_or_precision_does_not_go_on(tmp_path: Path) -> None:
    model, clips, labels = case()
    stopped = Counting(model, 200)
    with pytest.raises(KeyboardInterrupt):
        run(stopped, clips, labels, parts=tmp_path / "parts")
    stopped.at_most = None
    others: list[dict[str, Any]] = [{"mean": [0.5]}, {"std": [0.25]}, {"precision": "bf16"}]
    for settings in others:
        classifier = advvid.VideoClassifier(stopped, **settings)
        with pytest.raises(InputError, match="another evaluation"):
            evaluate(
                classifier,
                clips,
                labels,
                attacks=ATTACKS,
                eps=EPS,
                batch_size=3,
                parts=tmp_path / "parts",
            )


def test_processes_wait_for_each_other_before_anything_is_written(tmp_path: Path) -> None:
    """A late one would count what an early one has just done a second time."""
    model, clips, labels = case()
    passed_at_barriers: list[int] = []
    counting = Counting(model)

    class Alone:
        global_rank, world_size = 0, 1

        def barrier(self) -> None:
            passed_at_barriers.append(counting.passed)

    run(counting, clips, labels, parts=tmp_path / "parts", fabric=Alone())
    assert passed_at_barriers == [0, counting.passed]


def test_clips_are_read_once_and_a_batch_at_a_time() -> None:
    class Watched(MemoryClips):
        read: list[int]

        def batches(
            self, positions: Sequence[int], size: int
        ) -> Iterator[ClipBatch[Tensor | None]]:
            self.read = []
            for part in super().batches(positions, size):
                self.read += part.indices.tolist()
                assert len(part.clips) <= size
                yield part

    model, clips, labels = case()
    source = Watched(clips, labels)
    found = evaluate(advvid.VideoClassifier(model), source, attacks=ATTACKS, eps=EPS, batch_size=3)
    assert source.read == list(range(20))
    assert outcome(found) == outcome(run(model, clips, labels))
    with pytest.raises(InputError, match="leave labels out"):
        evaluate(advvid.VideoClassifier(model), source, labels, attacks=ATTACKS, eps=EPS)


def test_a_data_set_gives_what_its_sample_gives() -> None:
    dataset = advvid.load_dataset("motions:40")
    clips, labels = dataset.sample(6, seed=3)
    source = DatasetClips(dataset, 6, seed=3)
    part = next(source.batches(range(6), 6))
    assert torch.equal(part.clips, clips)
    assert part.labels is not None
    assert torch.equal(part.labels, labels)
    assert torch.equal(source.first(), clips[:1])
    table = torch.arange(9, -1, -1)
    turned = next(DatasetClips(dataset, 6, seed=3, table=table).batches([4], 1))
    assert turned.labels is not None
    assert turned.labels.item() == 9 - labels[4]


def test_without_labels_the_predictions_are_meant() -> None:
    model, clips, _ = case()
    found = evaluate(advvid.VideoClassifier(model), clips, attacks="pgd", eps=EPS)
    assert found.clean.all()
    np.testing.assert_array_equal(found.labels, model(clips).argmax(1).numpy())


def test_calls_are_counted_where_the_model_is() -> None:
    model, clips, labels = case()
    counting = Counting(model)
    found = evaluate(
        advvid.VideoClassifier(counting),
        clips,
        labels,
        attacks="pgd:max_iter=7",
        eps=[0.1],
        alarms=False,
    )
    assert found.results[0].applied == 16
    assert found.results[0].gradients_per_clip == 7
    assert found.results[0].forwards_per_clip == 7
    # Clean and 8 bits of all; attack, result and 8 bits of those that stand.
    assert counting.passed == 2 * 20 + (7 + 2) * 16


def test_an_attack_without_a_budget_runs_once_and_costs_the_same_in_every_column() -> None:
    model, clips, labels = case()
    counting = Counting(model)
    found = evaluate(
        advvid.VideoClassifier(counting),
        clips,
        labels,
        attacks="torchattacks/CW:steps=4",
        eps=[0.1, 0.2, 0.3],
        alarms=False,
    )
    calls = [(r.applied, r.gradients, r.forwards) for r in found.results]
    assert calls[0][1] >= 4 * 16
    assert calls[0] == calls[1] == calls[2]
    assert len({r.seconds for r in found.results}) == 1
    # Clean and 8 bits of all; one attack; the result of each budget and its 8 bits.
    assert counting.passed == 2 * 20 + calls[0][2] + 3 * 2 * 16
