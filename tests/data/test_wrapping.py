"""Torch data sets and loaders of others as sources of clips."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from advvid.data import as_dataset, as_source, clip_loader, load_dataset
from advvid.errors import InputError

CLIPS = torch.rand(6, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([2, 0, 1, 2, 0, 1])
TENSORS = TensorDataset(CLIPS, LABELS)


class Listed(Dataset[Any]):
    """Items by a function; counts how often one is read."""

    def __init__(self, item: Callable[[int], Any], count: int = 6) -> None:
        self.item, self.count, self.read = item, count, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        self.read += 1
        return self.item(index)


def all_of(data: Any) -> tuple[Tensor, list[int]]:
    source = as_source(data)
    batches = list(source.batches(range(len(source)), 4))
    labels = [int(label) for b in batches if b.labels is not None for label in b.labels]
    return torch.cat([b.clips for b in batches]), labels


def test_a_torch_data_set_is_a_source_in_its_own_order() -> None:
    for data in (TENSORS, DataLoader(TENSORS, batch_size=4, shuffle=True, drop_last=True)):
        clips, labels = all_of(data)
        assert torch.equal(clips, CLIPS)
        assert labels == LABELS.tolist()
    dataset = as_dataset(TENSORS)
    assert dataset.classes == ("0", "1", "2")
    assert dataset.clip_shape == (3, 4, 8, 8)
    assert dataset.labels.tolist() == LABELS.tolist()
    assert as_dataset(TENSORS, classes=["a", "b", "c"]).classes == ("a", "b", "c")
    assert len({dataset.origin(index).video for index in range(6)}) == 6
    whole = (CLIPS * 255).to(torch.uint8)
    arrays = Listed(lambda i: (whole[i].numpy(), np.int64(LABELS[i])))
    assert torch.equal(all_of(arrays)[0], whole / 255)
    motions = load_dataset("motions", frames=4, size=8)
    assert as_dataset(motions) is motions


def test_a_loader_gives_what_its_sampler_and_its_collate_function_give() -> None:
    half = DataLoader(TENSORS, sampler=SubsetRandomSampler([5, 2]))
    assert all_of(half)[1] == [1, 1]
    with_repeats = DataLoader(
        TENSORS, sampler=WeightedRandomSampler([0.0, 1, 0, 0, 1, 0], 40, replacement=True)
    )
    before = torch.get_rng_state()
    assert torch.equal(all_of(with_repeats)[0], CLIPS[[1, 4]])
    assert torch.equal(before, torch.get_rng_state())
    assert all_of(DataLoader(TENSORS, batch_sampler=[[3, 1], [0, 1]]))[1] == [2, 0, 2]

    def from_time_first(items: list[Any]) -> tuple[Tensor, Tensor]:
        clips = torch.stack([clip for clip, _ in items]).transpose(1, 2)
        return clips, torch.tensor([label for _, label in items])

    time_first = TensorDataset(CLIPS.transpose(1, 2), LABELS)
    assert torch.equal(all_of(DataLoader(time_first, collate_fn=from_time_first))[0], CLIPS)


def test_labels_that_are_stated_are_not_read() -> None:
    data = Listed(lambda i: (CLIPS[i], LABELS[i]))
    assert as_dataset(data).labels.tolist() == LABELS.tolist()
    assert data.read >= 6
    stated = Listed(lambda i: (CLIPS[i], LABELS[i]))
    stated.targets = LABELS.tolist()  # type: ignore[attr-defined]
    half = as_dataset(Subset(stated, [5, 3, 0, 1]))
    assert half.labels.tolist() == [1, 2, 2, 0]
    assert stated.read <= 4
    # Those from before a transformation of the labels.
    other = Listed(lambda i: (CLIPS[i], 2 - LABELS[i]))
    other.targets = LABELS.tolist()  # type: ignore[attr-defined]
    assert as_dataset(other).labels.tolist() == (2 - LABELS).tolist()


def test_random_items_belong_to_their_index_and_draw() -> None:
    def noisy(index: int) -> tuple[Tensor, int]:
        return CLIPS[index] * torch.rand(()) * float(np.random.rand()), 0  # noqa: NPY002

    dataset = as_dataset(Listed(noisy))
    before = torch.get_rng_state(), repr(np.random.get_state())  # noqa: NPY002
    clips = [dataset.clip(i)[0] for i in range(6)]
    assert all(torch.equal(dataset.clip(i)[0], clips[i]) for i in (3, 0))
    assert not torch.equal(dataset.clip(0, 0)[0], dataset.clip(0, 1)[0])
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == repr(np.random.get_state())  # noqa: NPY002
    loaded = [batch.clips for batch in clip_loader(dataset, batch_size=2, workers=2)]
    assert torch.equal(torch.cat(loaded), torch.stack(clips))


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter([(CLIPS[0], 0)])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("motions", "a str is no data set of clips: give"),
        ([CLIPS], "a list is no data set of clips"),
        (None, "a NoneType is no data set"),
        (Stream(), "Stream is a stream"),
        (DataLoader(Stream()), "Stream is a stream"),
        (DataLoader(TENSORS, batch_size=None), "makes no batches"),
        (Listed(lambda i: CLIPS[i]), r"must be \(clip, label\); got Tensor torch.float32"),
        (Listed(lambda i: {"clip": CLIPS[i]}), r"must be \(clip, label\); got dict"),
        (Listed(lambda i: (CLIPS[i], 1, 2)), r"must be \(clip, label\); got tuple of 3"),
        (Listed(lambda i: (CLIPS[i, 0], 0)), r"must be \(3, T, H, W\); got \(4, 8, 8\)"),
        (Listed(lambda i: (CLIPS[i].transpose(0, 1), 0)), "move channels before time"),
        (Listed(lambda i: (CLIPS[i].permute(1, 2, 3, 0), 0)), "move channels to the front"),
        (Listed(lambda i: (CLIPS[i] * 255, 0)), "divide by 255"),
        (Listed(lambda i: (CLIPS[i] - 0.5, 0)), "leave normalization to the model"),
        (Listed(lambda i: (CLIPS[i] * torch.nan, 0)), "values from nan"),
        (Listed(lambda i: (CLIPS[i].long(), 0)), "got torch.int64"),
        (Listed(lambda i: (CLIPS[i].tolist(), 0)), "must be a tensor"),
        (Listed(lambda i: (CLIPS[i], True)), "must be the number of a class; got bool"),
        (Listed(lambda i: (CLIPS[i], 1.0)), "must be the number of a class; got float"),
        (Listed(lambda i: (CLIPS[i], -1)), "must be the number of a class; got -1"),
        (Listed(lambda i: (CLIPS[i], torch.eye(3)[i % 3])), "got Tensor torch.float32"),
        (Listed(lambda i: 1 / 0), "item 0 of Listed cannot be read: ZeroDivisionError"),
        (Listed(lambda i: (CLIPS[i], 0), 0), "Listed is empty"),
    ],
)
def test_other_things_are_refused_in_one_line(data: Any, message: str) -> None:
    for take in (as_dataset, as_source):
        with pytest.raises(InputError, match=message) as caught:
            take(data)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_item_that_differs_is_named_from_any_process(workers: int) -> None:
    mixed = Listed(lambda i: (CLIPS[i] if i < 3 else CLIPS[i, :, :2], 0), 4)
    source = as_source(DataLoader(mixed, num_workers=workers))
    message = r"item 3 of Listed is torch.float32 \(3, 2, 8, 8\) and the first"
    with pytest.raises(InputError, match=message) as caught:
        list(source.batches(range(4), 2))
    assert "\n" not in str(caught.value)
