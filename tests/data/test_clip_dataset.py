import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from advvid.data.clip_dataset import ClipDataset, OnBadVideo, balanced_order
from advvid.data.motions import MotionsDataset
from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.errors import InputError


class SomeBad(ClipDataset):
    """Clips filled with their index; some cannot be read."""

    def __init__(self, labels: list[int], bad: set[int], on_bad_video: OnBadVideo) -> None:
        super().__init__()
        self.name, self.classes, self.clip_shape = "some-bad", ("a", "b", "c"), (3, 2, 4, 4)
        self._labels, self.bad, self.on_bad_video = np.array(labels), bad, on_bad_video

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        return self._labels

    def clip(self, index: int, draw: int | None = None) -> tuple[Tensor, int]:
        if index in self.bad:
            raise BadVideoError(BadVideo(f"{index}.avi", "cut short"))
        clip = torch.full(self.clip_shape, index, dtype=torch.uint8)
        return clip, int(self._labels[index])

    def identity(self, index: int) -> str:
        return f"{index}.avi#0"


@given(st.lists(st.integers(-1, 5), min_size=1, max_size=60), st.integers(0, 99))
def test_every_prefix_of_the_balanced_order_is_balanced(labels: list[int], seed: int) -> None:
    values = np.array(labels)
    order = balanced_order(values, np.random.default_rng(seed))
    assert sorted(order.tolist()) == list(range(len(labels)))
    total = {label: labels.count(label) for label in set(labels)}
    taken = dict.fromkeys(total, 0)
    for index in order:
        label = labels[index]
        left = [taken[other] for other in total if taken[other] < total[other]]
        assert taken[label] == min(left)
        taken[label] += 1


def test_sample_gives_different_clips_in_unit_range() -> None:
    dataset = MotionsDataset("test")
    clips, labels = dataset.sample(20, seed=3)
    assert clips.shape == (20, 3, 8, 32, 32)
    assert clips.dtype == torch.float32
    assert 0 <= clips.min() < clips.max() <= 1
    assert labels.dtype == torch.int64
    assert labels.bincount().tolist() == [2] * 10
    assert len(torch.unique(clips.flatten(1), dim=0)) == 20
    again, _ = dataset.sample(12, seed=3)
    assert torch.equal(again, clips[:12])
    other, _ = dataset.sample(20, seed=4)
    assert not torch.equal(other, clips)


@pytest.mark.parametrize("n", [0, -1, 1001])
def test_sample_refuses_more_clips_than_there_are(n: int) -> None:
    with pytest.raises(InputError, match="1 to 1000"):
        MotionsDataset("test").sample(n)


def test_sample_leaves_global_random_state_alone() -> None:
    before = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002
    MotionsDataset("train").sample(3)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == str(np.random.get_state())  # noqa: NPY002


def test_sample_replaces_what_it_skips_and_lists_it() -> None:
    dataset = SomeBad([0, 0, 0, 1, 1, 1, 2, 2, 2], {0, 4}, "skip")
    clips, labels = dataset.sample(7)
    assert sorted((clips[:, 0, 0, 0, 0] * 255).round().int().tolist()) == [1, 2, 3, 5, 6, 7, 8]
    assert sorted(labels.tolist()) == [0, 0, 1, 1, 2, 2, 2]
    dataset.sample(7)
    assert sorted(dataset.skipped) == [("0.avi", "cut short"), ("4.avi", "cut short")]
    with pytest.raises(InputError, match=r"only 7 of the 9 clips .* 8 were asked for"):
        dataset.sample(8)


def test_sample_raises_at_a_bad_video_by_default() -> None:
    with pytest.raises(BadVideoError, match=r"1\.avi: cut short") as caught:
        SomeBad([0, 0], {1}, "raise").sample(2)
    assert caught.value.bad_video == BadVideo("1.avi", "cut short")


def test_subset_keeps_clips_draws_and_names() -> None:
    dataset = MotionsDataset("train")
    subset = dataset.subset([5, 3, 11])
    assert len(subset) == 3
    assert subset.labels.tolist() == [5, 3, 1]
    assert subset.classes == dataset.classes
    assert subset.identity(2) == dataset.identity(11)
    assert torch.equal(subset[1][0], dataset[3][0])
    assert torch.equal(subset[(1, 8)][0], dataset[(3, 8)][0])
    assert torch.equal(subset.subset([2])[0][0], dataset[11][0])


@pytest.mark.parametrize("indices", [[5000], [-1], [0, 7, 5001]])
def test_subset_refuses_indices_that_are_not_there(indices: list[int]) -> None:
    with pytest.raises(InputError, match="indices 0 to 4999"):
        MotionsDataset("train").subset(indices)


@pytest.mark.parametrize("index", [-1, -3, 3, 100])
def test_a_subset_refuses_positions_that_it_does_not_have(index: int) -> None:
    subset = MotionsDataset("train").subset([5, 3, 11])
    for read in (subset.clip, subset.identity, subset.__getitem__):
        with pytest.raises(IndexError, match=f"has clips 0 to 2: {index}"):
            read(index)


def test_a_subset_counts_its_clips_without_asking_for_labels() -> None:
    class NoLabels(SomeBad):
        @property
        def labels(self) -> npt.NDArray[np.int64]:
            raise AssertionError

        def __len__(self) -> int:
            return 9

    assert len(NoLabels([0] * 9, set(), "raise").subset([8, 1])) == 2
