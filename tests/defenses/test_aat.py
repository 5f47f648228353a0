import math
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from advvid.data.clip_dataset import ClipDataset, to_unit
from advvid.data.loader import ClipBatch, clip_loader
from advvid.data.memory_dataset import MemoryDataset
from advvid.defenses import (
    AdaptiveStep,
    Choice,
    Schedule,
    TrainingAttack,
    adaptive_probabilities,
    budget_choices,
    hold_out,
)
from advvid.errors import InputError
from advvid.training.task import EpochContext
from tests.defenses.contexts import SHAPE, batch, context
from tests.training.stand_ins import ToyClips


class Brightness(nn.Module):
    """Two logits, (s m, -s m) with m the mean pixel less 1/2: losses under attack are known."""

    def __init__(self, scale: float = 20.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.num_classes = 2

    def forward(self, clips: Tensor) -> Tensor:
        m = self.scale * (clips.flatten(1).mean(1) - 0.5)
        return torch.stack([m, -m], dim=1)


def epoch_context(model: nn.Module, epoch: int, epochs: int, **changes: Any) -> EpochContext:
    def batches(data: ClipDataset) -> Iterator[ClipBatch]:
        for loaded in clip_loader(data, batch_size=3):
            yield loaded._replace(clips=to_unit(loaded.clips))

    given: dict[str, Any] = {
        "epoch": epoch,
        "epochs": epochs,
        "seed": 0,
        "passes": {"classifier": model},
        "device": torch.device("cpu"),
        "batches": batches,
        "total": lambda tensor: tensor,
        "autocast": nullcontext,
    }
    return EpochContext(**{**given, **changes})


def gray(count: int = 8) -> MemoryDataset:
    """Gray clips of brightness 0.6, all of class 0."""
    clips = torch.full((count, *SHAPE), 0.6)
    return MemoryDataset(clips, torch.zeros(count, dtype=torch.int64), ("bright", "dark"))


BUDGETS = (0.0, 0.1, 0.2)


def known_losses() -> list[float]:
    """Every pixel falls by eps: loss log(1 + exp(-2 s (0.1 - eps)))."""
    return [math.log1p(math.exp(-40 * (0.1 - eps))) for eps in BUDGETS]


def test_equation_8() -> None:
    losses = torch.tensor([1.0, 3.0, 4.0], dtype=torch.float64)
    assert adaptive_probabilities(losses).tolist() == [0.125, 0.375, 0.5]
    assert adaptive_probabilities(torch.zeros(4)).tolist() == [0.25] * 4
    for bad in ([1.0, math.nan], [1.0, -1.0], [math.inf, 1.0]):
        with pytest.raises(InputError, match=r"Eq\. 8"):
            adaptive_probabilities(torch.tensor(bad))


def test_probabilities_are_those_of_known_losses() -> None:
    model = Brightness()
    step = AdaptiveStep(budget_choices(BUDGETS), gray())
    step.end_epoch(epoch_context(model, 1, 9))
    assert step.probabilities == [1 / 3] * 3
    step.end_epoch(epoch_context(model, 3, 9))
    total = sum(known_losses())
    assert step.probabilities == pytest.approx([loss / total for loss in known_losses()], rel=1e-5)
    told = step.report(2, 9)
    assert told["losses"] == pytest.approx(known_losses(), rel=1e-4)
    assert told["probabilities"] == pytest.approx([1 / 3] * 3, abs=1e-5)
    assert told["next_probabilities"] == pytest.approx(step.probabilities, abs=1e-5)


def test_sums_of_all_processes_count() -> None:
    model = Brightness()
    step = AdaptiveStep(budget_choices(BUDGETS), gray())
    far = torch.tensor([100.0, 0.0, 0.0], dtype=torch.float64)
    step.end_epoch(epoch_context(model, 3, 9, total=lambda tensor: tensor + far))
    losses = 8 * np.array(known_losses()) + far.numpy()
    assert step.probabilities == pytest.approx((losses / losses.sum()).tolist(), rel=1e-5)


@pytest.mark.parametrize(
    ("every", "epochs", "budgets", "period"),
    [(10, 100, 7, 10), (10, 35, 7, 5), (10, 10, 7, 1), (3, 100, 2, 3), (10, 1, 3, 1)],
)
def test_period(every: int, epochs: int, budgets: int, period: int) -> None:
    choices = budget_choices([i / 255 for i in range(budgets)])
    assert AdaptiveStep(choices, gray(), every).period(epochs) == period


def test_draws_follow_the_probabilities_and_the_seed() -> None:
    step = AdaptiveStep(budget_choices(BUDGETS), gray())
    step.probabilities = [0.0, 0.25, 0.75]
    drawn = [step.draw(seed) for seed in range(2000)]
    assert drawn.count(0) == 0
    assert 400 <= drawn.count(1) <= 600
    assert [step.draw(seed) for seed in range(20)] == drawn[:20]


def test_a_batch_is_attacked_by_what_was_drawn() -> None:
    model, (clips, labels) = Brightness(), batch(classes=2)
    choices = (
        Choice(TrainingAttack(max_iter=2), 0.0),
        Choice(TrainingAttack("frame-border:ratio=0.8", max_iter=2), 0.1),
    )
    step = AdaptiveStep(choices, gray())
    step.probabilities = [0.0, 1.0]
    loss, _ = step(model, clips, labels, context(model, len(clips)))
    plain = torch.nn.functional.cross_entropy(model(clips), labels)
    assert loss > plain
    step.probabilities = [1.0, 0.0]
    loss, _ = step(model, clips, labels, context(model, len(clips), iteration=1))
    torch.testing.assert_close(loss, plain)
    # Parts of one batch count once.
    step(model, clips, labels, context(model, len(clips), iteration=1))
    told = step.report(0, 3)
    assert told["drawn"] == [1, 1]
    assert told["choices"] == ["pgd at 0", "frame-border:ratio=0.8 at 25.5"]
    assert list(step.figures([told])) == ["adaptive_distribution.png"]


def test_state_comes_back() -> None:
    step, other = (AdaptiveStep(budget_choices(BUDGETS), gray()) for _ in range(2))
    step.end_epoch(epoch_context(Brightness(), 3, 9))
    other.load_state_dict(step.state_dict())
    assert other.probabilities == step.probabilities
    assert [other.draw(i) for i in range(50)] == [step.draw(i) for i in range(50)]


def test_held_out_clips_are_not_trained_on() -> None:
    data = ToyClips(40)
    rest, kept = hold_out(data, 12)
    names = [{part.identity(i) for i in range(len(part))} for part in (rest, kept)]
    assert len(names[0]) == 28
    assert len(names[1]) == 12
    assert not names[0] & names[1]
    assert np.bincount(kept.labels).tolist() == [4, 4, 4]
    assert len(hold_out(data)[1]) == 4
    with pytest.raises(InputError, match="nothing is left"):
        hold_out(data, 40)


def test_invalid_arguments_are_one_line() -> None:
    for build in (
        lambda: AdaptiveStep(budget_choices((0.1,)), gray()),
        lambda: AdaptiveStep(budget_choices(BUDGETS), gray().subset([])),
        lambda: AdaptiveStep(budget_choices(BUDGETS), gray(), 0),
        lambda: Choice(TrainingAttack(), 8),
        lambda: AdaptiveStep(
            budget_choices(BUDGETS, TrainingAttack(max_iter=Schedule("list", (1, 2)))), gray()
        ),
    ):
        with pytest.raises(InputError) as caught:
            build()
        assert "\n" not in str(caught.value)
