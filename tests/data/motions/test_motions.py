import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from advvid.data.motions.dataset import SPLIT_SIZES, MotionsDataset
from advvid.data.motions.drawing import SHAPES, draw_shape
from advvid.data.motions.plan import MOTION_CLASSES, MotionPlan
from advvid.errors import InputError


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 20), st.integers(8, 48), st.integers(0, 99), st.none() | st.integers(0, 9))
def test_clips_have_the_shape_that_was_asked_for(
    frames: int, size: int, index: int, draw: int | None
) -> None:
    dataset = MotionsDataset("train", frames=frames, size=size)
    clip, label = dataset.clip(index, draw)
    assert clip.shape == dataset.clip_shape == (3, frames, size, size)
    assert clip.dtype == torch.uint8
    assert label == dataset.labels[index]


def test_labels_are_balanced_and_default_sizes_hold() -> None:
    for split, count in SPLIT_SIZES.items():
        dataset = MotionsDataset(split)
        assert len(dataset) == count
        assert np.bincount(dataset.labels).tolist() == [count // 10] * 10
    assert dataset.classes == MOTION_CLASSES


def test_a_clip_depends_on_seed_split_and_index_alone() -> None:
    first = MotionsDataset("train", clips=50)
    code = (
        "from advvid.data.motions import MotionsDataset as M; "
        "print(sum(int(v) * (i % 97) for i, v in "
        "enumerate(M('train').clip(17, 3)[0].flatten().tolist())))"
    )
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    first.clip(4)
    values = first.clip(17, 3)[0].flatten().tolist()
    assert int(elsewhere.stdout) == sum(v * (i % 97) for i, v in enumerate(values))
    base = first.clip(7)[0]
    assert torch.equal(base, first.clip(7)[0])
    for other in (
        MotionsDataset("test").clip(7),
        MotionsDataset("train", seed=1).clip(7),
        first.clip(17),
        first.clip(7, 0),
    ):
        assert not torch.equal(base, other[0])


def test_no_clip_is_in_two_places() -> None:
    datasets = [MotionsDataset(split) for split in SPLIT_SIZES]
    clips = [dataset.clip(i)[0].numpy().tobytes() for dataset in datasets for i in range(60)]
    assert len(set(clips)) == len(clips)


def test_training_view_rolls_and_permutes_colors_only() -> None:
    dataset = MotionsDataset("train")
    clip, view = dataset.clip(3)[0], dataset.clip(3, 1)[0]
    assert torch.equal(clip.flatten(1).sort(1)[0].sum(0), view.flatten(1).sort(1)[0].sum(0))
    assert not torch.equal(view, dataset.clip(3, 2)[0])
    per_frame, of_view = clip.float().mean((0, 2, 3)), view.float().mean((0, 2, 3))
    torch.testing.assert_close(per_frame, of_view)


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_drawn_shape_is_where_the_plan_says_and_wraps_around(shape: int) -> None:
    def drawn(x: float) -> np.ndarray:
        row = np.ones(1)
        plan = MotionPlan(x * row, 0.5 * row, 0.3 * row, 0.2 * row, row)
        return np.asarray(draw_shape(plan, shape, 40)[0])

    middle, edge = drawn(0.5), drawn(0.0)
    assert 0 <= middle.min() < 1e-6
    assert middle.max() == 1
    np.testing.assert_allclose(edge, np.roll(middle, -20, axis=1), atol=1e-5)
    columns = (middle.sum(0) * (np.arange(40) + 0.5)).sum() / middle.sum()
    assert abs(columns - 20) < 3


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_no_shape_looks_the_same_after_the_turns_of_a_clip(shape: int) -> None:
    row = np.ones(7)
    angles = np.concatenate([[0], np.pi / 12 * np.array([1, 3, 5, 7, 9, 10])])
    masks = draw_shape(MotionPlan(0.5 * row, 0.5 * row, angles, 0.2 * row, row), shape, 32)
    for turned in masks[1:]:
        assert np.abs(turned - masks[0]).sum() > 0.1 * masks[0].sum()


def test_shapes_stand_out_from_noise() -> None:
    dataset = MotionsDataset("test")
    blinking = dataset.classes.index("blinking")
    for index in range(blinking, 300, 10):
        frames = dataset.clip(index)[0].float()
        change = (frames[:, 1:] - frames[:, :-1]).abs().amax(0).flatten(1).topk(10)[0].mean()
        assert change > 30


class FrameNet(nn.Module):
    """Frame by frame: the mean of the logits of single frames."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for wide, out in ((3, 12), (12, 24), (24, 24)):
            layers += [nn.Conv2d(wide, out, 3, 2, 1), nn.BatchNorm2d(out), nn.ReLU()]
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(24 * 16, classes))

    def forward(self, clips: Tensor) -> Tensor:
        batch, _, frames = clips.shape[:3]
        logits: Tensor = self.net(clips.transpose(1, 2).flatten(0, 1))
        return logits.view(batch, frames, -1).mean(1)


def frame_by_frame_accuracy(relabel: Callable[[Tensor, Tensor], Tensor], classes: int) -> float:
    """Top-1 on fresh clips after a short training, for labels made of clips and labels."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = FrameNet(classes)
    clips, labels = MotionsDataset("train").sample(1200)
    labels = relabel(clips, labels)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
    for _ in range(3):
        order = torch.randperm(len(clips), generator=generator)
        for start in range(0, len(order), 32):
            rows = order[start : start + 32]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(clips[rows] * 4 - 2), labels[rows])
            torch.autograd.backward(loss)
            optimizer.step()
    clips, labels = MotionsDataset("test").sample(500)
    with torch.no_grad():
        hits = model.eval()(clips * 4 - 2).argmax(1) == relabel(clips, labels)
    return float(hits.double().mean())


@pytest.fixture
def one_thread() -> Iterator[None]:
    # Layers this small gain nothing from more, and wait for each other on a busy machine.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_a_frame_by_frame_model_stays_near_chance() -> None:
    # The control: what a frame does show, here its strongest color, the same training finds.
    assert frame_by_frame_accuracy(lambda clips, _: clips.mean((2, 3, 4)).argmax(1), 3) > 0.8
    assert frame_by_frame_accuracy(lambda _, labels: labels, 10) < 0.18


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"split": "all"}, "train, val, test"),
        ({"frames": 1}, "frames >= 2"),
        ({"size": 4}, "size >= 8"),
        ({"clips": 0}, "clips >= 1"),
        ({"seed": -1}, "seed >= 0"),
    ],
)
def test_bad_settings_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MotionsDataset(**wrong)  # type: ignore[arg-type]


def test_indices_beyond_the_end_stop_a_loop() -> None:
    dataset = MotionsDataset("train", clips=3)
    for index in (3, -1):
        with pytest.raises(IndexError, match="clips 0 to 2"):
            dataset.clip(index)
