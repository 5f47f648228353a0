from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from advvid.data.loader import clip_loader
from advvid.data.memory_dataset import MemoryDataset
from advvid.errors import InputError
from advvid.training import DatasetBatches, LoaderBatches, TrainSettings, train
from tests.training.stand_ins import TinyNet, ToyClips, same

CLASSES = ("red", "green", "blue")


def tensors(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    clips, labels = zip(*(ToyClips(count).clip(i) for i in range(count)), strict=True)
    return torch.stack(clips), torch.tensor(labels)


def test_a_data_set_gives_the_same_clips_to_any_number_of_processes() -> None:
    batches = DatasetBatches(ToyClips(13), TrainSettings(batch_size=4))
    assert batches.steps == 3
    one = list(batches.epoch(1, start=0, rank=0, world=1, pin_memory=False))
    halves = [list(batches.epoch(1, start=0, rank=r, world=2, pin_memory=False)) for r in (0, 1)]
    for whole, first, second in zip(one, *halves, strict=True):
        assert whole.indices.tolist()[0::2] == first.indices.tolist()
        assert whole.indices.tolist()[1::2] == second.indices.tolist()
    late = list(batches.epoch(1, start=2, rank=0, world=1, pin_memory=False))
    assert torch.equal(late[0].clips, one[2].clips)


def test_a_loader_is_gone_through_as_it_is() -> None:
    clips, labels = tensors(10)
    loader = DataLoader(TensorDataset(clips, labels), batch_size=4)
    batches = LoaderBatches(loader, CLASSES)
    assert (batches.steps, batches.clip_shape, batches.sample()) == (3, (3, 2, 8, 8), None)
    found = list(batches.epoch(0, start=1, rank=0, world=1, pin_memory=False))
    assert [len(batch.labels) for batch in found] == [4, 2]
    assert torch.equal(found[0].clips, clips[4:8])
    assert found[0].indices.tolist() == [4, 5, 6, 7]
    with pytest.raises(InputError, match="one process"):
        batches.check(2)


def test_bytes_and_fractions_train_alike() -> None:
    clips, labels = tensors(12)
    found = []
    for given in (clips, clips.float() / 255):
        model = TinyNet()
        data = MemoryDataset(given, labels, CLASSES)
        train(model, data, settings=TrainSettings(epochs=2, batch_size=4), device="cpu")
        found.append({name: value.clone() for name, value in model.state_dict().items()})
    assert same(*found)


def test_clips_in_memory_have_names_that_tell_them_apart() -> None:
    clips, labels = tensors(6)
    data = MemoryDataset(clips, labels, CLASSES)
    assert len({data.identity(i) for i in range(6)}) == 6
    assert data.identity(0) != MemoryDataset(clips + 1, labels, CLASSES).identity(0)
    assert data.clip(2)[1] == 2
    with pytest.raises(IndexError):
        data.clip(6)


def test_fractions_in_memory_are_sampled_as_they_are() -> None:
    clips, labels = tensors(6)
    whole = MemoryDataset(clips, labels, CLASSES).sample(6)
    fractions = MemoryDataset(clips.float() / 255, labels, CLASSES).sample(6)
    assert torch.equal(fractions[0], whole[0])
    assert torch.equal(fractions[1], whole[1])


def test_only_clips_of_the_host_are_page_locked() -> None:
    clips, labels = tensors(6)
    # What lies on a GPU already cannot be; "meta" stands for it.
    for data, wanted in (
        (MemoryDataset(clips, labels, CLASSES), True),
        (MemoryDataset(clips.to("meta"), labels, CLASSES), False),
        (MemoryDataset(clips.to("meta"), labels, CLASSES).subset([1, 2]), False),
    ):
        assert clip_loader(data, batch_size=2, pin_memory=True).pin_memory is wanted


def test_any_whole_numbers_are_labels() -> None:
    clips, labels = tensors(6)
    batches = LoaderBatches([(clips, labels.to(torch.int32))], CLASSES)
    (found,) = batches.epoch(0, start=0, rank=0, world=1, pin_memory=False)
    assert found.labels.dtype == torch.int64


@pytest.mark.parametrize(
    "loader",
    [
        [],
        iter([1]),
        [torch.zeros(1)],
        [(torch.zeros(2, 3), torch.zeros(2))],
        [(1, 2)],
        [(torch.zeros(2, 3, 2, 8, 8), torch.tensor([0, 3]))],
        [(torch.zeros(2, 3, 2, 8, 8), torch.zeros(2))],
        [(torch.full((2, 3, 2, 8, 8), 200.0), torch.zeros(2, dtype=torch.int64))],
    ],
)
def test_what_is_no_loader_of_clips_is_refused(loader: Any) -> None:
    with pytest.raises(InputError) as caught:
        LoaderBatches(loader, CLASSES)
    assert "\n" not in str(caught.value)
