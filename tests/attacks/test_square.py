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


def test_the_search_starts_with_stripes_and_the_margin_never_rises_after() -> None:
    model, clips, labels = case()

    def lead(x: Tensor) -> Tensor:
        logits: Tensor = model.inner(x).detach()
        others = logits.scatter(1, labels[:, None], -torch.inf)
        return logits.gather(1, labels[:, None]).squeeze(1) - others.amax(1)

    results = [square_attack(model, clips, labels, eps=0.02, queries=n).clips for n in (2, 3, 20)]
    # Every pixel of the start is at an end of its budget, also where that is no gain.
    start = (results[0] - clips)[1:].abs()
    torch.testing.assert_close(start, torch.full_like(start, 0.02))
    leads = [lead(x) for x in results]
    assert (leads[0] > lead(clips))[1:].any()
    assert (leads[1] <= leads[0] + 1e-6).all()
    assert (leads[2] <= leads[1] + 1e-6).all()
    assert (leads[2] < leads[0]).float().mean() > 0.5


def test_pixels_go_to_ends_of_the_budget_and_blocks_are_of_one_color() -> None:
    model, clips, labels = case()
    result = square_attack(model, clips, labels, eps=0.05, queries=2)
    delta = result.clips - clips
    moved = (model.inner(result.clips) != model.inner(clips)).any(1)
    assert moved.any()
    torch.testing.assert_close(delta[moved].abs(), torch.full_like(delta[moved], 0.05))
    # The start: a column of one channel has one sign in all frames and rows.
    assert (delta[moved].sign().flatten(2, 3).std(dim=2) == 0).all()


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.floats(0.0001, 1))
def test_block_fits_and_has_its_share(frames: int, height: int, width: int, share: float) -> None:
    shape = torch.Size((frames, height, width))
    for block in ("cube", "column"):
        size = block_size(shape, share, block)
        assert all(1 <= s <= whole for s, whole in zip(size, shape, strict=True))
    assert block_size(torch.Size((8, 64, 64)), 0.125, "cube") == (4, 32, 32)
    assert block_size(torch.Size((8, 64, 64)), 0.25, "column") == (8, 32, 32)


def test_schedule_is_the_papers() -> None:
    shares = [volume_share(q, 10000, 0.8) for q in (1, 10, 11, 60, 300, 700, 9000)]
    assert shares == [0.8, 0.8, 0.4, 0.2, 0.1, 0.05, 0.8 / 512]
    assert volume_share(6, 5000, 0.8) == 0.4


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
        ({"eps": 0}, "eps"),
    ],
)
def test_bad_settings_are_refused(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Square(VideoClassifier(LinearClipModel()), **kwargs)
