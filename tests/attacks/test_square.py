from typing import Any

import pytest
import torch
import torchattacks
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import advvid
from advvid.attacks import Square, square_attack
from advvid.attacks.square import block_size, volume_share
from advvid.attacks.toolkits.folded_clips import FoldedModel, fold_time, unfold_time
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, LinearClipModel, random_clips


class Blind(nn.Module):
    """Counts queries of each clip, and has no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = LinearClipModel(classes=CLASSES)
        self.num_classes = CLASSES
        self.passed = 0

    def forward(self, clips: Tensor) -> Tensor:
        assert not torch.is_grad_enabled()
        self.passed += len(clips)
        logits: Tensor = self.inner(clips)
        return logits


def case(count: int = 12) -> tuple[Blind, Tensor, Tensor]:
    model = Blind()
    clips, _ = random_clips(count)
    clips = 0.3 + 0.4 * clips
    labels = model.inner(clips).argmax(1)
    labels[0] = (labels[0] + 1) % CLASSES
    return model, clips, labels


@pytest.mark.parametrize("block", ["cube", "column"])
def test_it_asks_for_outputs_only_and_counts_them(block: str) -> None:
    model, clips, labels = case()
    result = square_attack(model, clips, labels, eps=0.1, queries=60, block=block)
    assert int(result.queries.sum()) == model.passed
    fooled = model.inner(result.clips).argmax(1) != labels
    assert result.queries[0] == 1
    assert (result.queries[~fooled] == 60).all()
    assert fooled.sum() > 1
    torch.testing.assert_close(result.clips[0], clips[0])


@pytest.mark.parametrize("start", ["frames", "stripes"])
def test_the_search_starts_at_ends_of_the_budget_and_the_margin_never_rises_after(
    start: str,
) -> None:
    model, clips, labels = case()

    def lead(x: Tensor) -> Tensor:
        logits: Tensor = model.inner(x).detach()
        others = logits.scatter(1, labels[:, None], -torch.inf)
        return logits.gather(1, labels[:, None]).squeeze(1) - others.amax(1)

    results = [
        square_attack(model, clips, labels, eps=0.02, queries=n, start=start).clips
        for n in (2, 3, 20)
    ]
    # Every pixel of the start is at an end of its budget, also where that is no gain.
    first = (results[0] - clips)[1:].abs()
    torch.testing.assert_close(first, torch.full_like(first, 0.02))
    leads = [lead(x) for x in results]
    assert (leads[0] > lead(clips))[1:].any()
    assert (leads[1] <= leads[0] + 1e-6).all()
    assert (leads[2] <= leads[1] + 1e-6).all()
    assert (leads[2] < leads[0]).float().mean() > 0.5


@pytest.mark.parametrize(
    ("start", "same"), [("frames", (2, 3)), ("stripes", (1, 2))], ids=["frames", "stripes"]
)
def test_a_start_has_one_color_a_frame_or_a_column(start: str, same: tuple[int, int]) -> None:
    model, clips, labels = case()
    result = square_attack(model, clips, labels, eps=0.05, queries=2, start=start)
    delta = (result.clips - clips)[1:]
    torch.testing.assert_close(delta.abs(), torch.full_like(delta, 0.05))
    # Axes after that of the clips are channel, frame, row and column.
    signs = delta.sign()
    for axis in range(4):
        changes = (signs != signs.roll(1, axis + 1)).any()
        assert bool(changes) == (axis not in same)


def test_of_several_starts_each_clip_keeps_its_best() -> None:
    """The starts are the same whether they are tried together or one is all."""
    model, clips, labels = case()
    labels = model.inner(clips).argmax(1)

    def lead(count: int) -> Tensor:
        found = square_attack(
            model, clips, labels, eps=0.01, queries=count + 1, num_random_init=count
        ).clips
        logits: Tensor = model.inner(found).detach()
        others = logits.scatter(1, labels[:, None], -torch.inf)
        return logits.gather(1, labels[:, None]).squeeze(1) - others.amax(1)

    leads = [lead(count) for count in (1, 2, 6)]
    assert (leads[1] <= leads[0]).all()
    assert (leads[2] <= leads[1]).all()
    assert (leads[2] < leads[0]).float().mean() > 0.5


@pytest.mark.parametrize("block", ["cube", "column"])
def test_a_column_has_a_color_in_each_frame_and_a_cube_has_one(block: str) -> None:
    """The fourth query, with a block as large as the clip."""
    _, clips, labels = case()
    asked: list[Tensor] = []
    settings: dict[str, Any] = {"share": 1, "schedule": "fixed", "num_random_init": 2}

    def watched(x: Tensor) -> Tensor:
        asked.append(x)
        return nn.functional.one_hot(labels[: len(x)], CLASSES).float()

    square_attack(watched, clips, labels, eps=0.05, queries=4, block=block, **settings)
    delta = asked[3] - clips
    torch.testing.assert_close(delta.abs(), torch.full_like(delta, 0.05))
    spread = delta.sign().std(dim=(3, 4))
    assert (spread == 0).all()
    varies = (delta.sign() != delta.sign().roll(1, 2)).flatten(1).any(dim=1)
    assert bool(varies.all()) == (block == "column")
    assert bool(varies.any()) == (block == "column")


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.floats(0.0001, 1))
def test_block_fits_and_has_its_share(frames: int, height: int, width: int, share: float) -> None:
    shape = torch.Size((frames, height, width))
    for block in ("cube", "column"):
        size = block_size(shape, share, block)
        assert all(1 <= s <= whole for s, whole in zip(size, shape, strict=True))
    assert block_size(torch.Size((8, 64, 64)), 0.125, "cube") == (4, 32, 32)
    assert block_size(torch.Size((8, 64, 64)), 0.25, "column") == (8, 32, 32)


def test_schedule_is_the_papers() -> None:
    shares = [volume_share(q, 0.8) for q in (1, 10, 11, 60, 300, 700, 9000)]
    assert shares == [0.8, 0.8, 0.4, 0.2, 0.1, 0.05, 0.8 / 512]


@pytest.mark.parametrize("stretched", [True, False])
def test_blocks_shrink_as_those_of_torchattacks_do(stretched: bool) -> None:
    reference = torchattacks.Square(nn.Linear(2, 2), n_queries=200)
    reference.rescale_schedule = stretched
    for query in range(1, 200):
        at = query * 10000 / 200 if stretched else query
        assert volume_share(at, 0.8) == reference.p_selection(query)


@pytest.mark.parametrize("schedule", ["stretched", "fixed"])
def test_only_a_stretched_search_depends_on_how_long_it_is(schedule: str) -> None:
    model, clips, labels = case(4)
    seen: list[list[Tensor]] = []

    def watched(x: Tensor) -> Tensor:
        seen[-1].append(x.clone())
        logits: Tensor = model(x)
        return logits

    for queries in (40, 80):
        seen.append([])
        square_attack(watched, clips, labels, eps=1e-4, queries=queries, schedule=schedule)
    same = [torch.equal(a, b) for a, b in zip(*seen, strict=False)]
    assert all(same) == (schedule == "fixed")


def test_no_weaker_than_torchattacks() -> None:
    """Same queries on the bundled model, whose classes only time tells apart."""
    model = advvid.load_model("motions-r3d").eval()
    clips, labels = advvid.load_dataset("motions").sample(16, seed=2)
    folded = FoldedModel(model, "channels", clips).eval()
    theirs = torchattacks.Square(folded, eps=6 / 255, n_queries=100, seed=0)(
        fold_time(clips, "channels"), labels
    )
    theirs = unfold_time(theirs, "channels", channels=3, frames=8)
    ours = square_attack(model, clips, labels, eps=6 / 255, queries=100).clips
    correct = [int((model(x).argmax(1) == labels).sum()) for x in (ours, theirs)]
    assert correct[0] <= correct[1] + 1
    assert correct[0] < 12


def test_a_tiny_budget_fails_and_a_target_is_reached() -> None:
    model, clips, labels = case()
    held = square_attack(model, clips, labels, eps=1e-5, queries=30)
    assert (model.inner(held.clips).argmax(1) == labels)[1:].all()
    goals = (labels + 1) % CLASSES
    classifier = VideoClassifier(model)
    attack = Square(classifier, eps=0.3, queries=300, targeted=True, verbose=False)
    reached = classifier.predict(attack.generate(clips, goals)).argmax(1) == goals
    assert reached.float().mean() > 0.6
    assert attack.report["queries"].max() <= 300


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"queries": 0}, "queries"),
        ({"share": 0}, "share"),
        ({"share": 2}, "share"),
        ({"block": "ball"}, "cube, column"),
        ({"start": "noise"}, "frames, stripes"),
        ({"num_random_init": 0}, "num_random_init"),
        ({"schedule": "none"}, "stretched, fixed"),
        ({"eps": 0}, "eps"),
    ],
)
def test_bad_settings_are_refused(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Square(VideoClassifier(LinearClipModel()), **kwargs)
