import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from advvid.data.clip_dataset import ClipDataset, to_unit
from advvid.data.loader import clip_loader
from advvid.data.motions import MotionsDataset
from advvid.data.registry import load_dataset
from advvid.data.video.bad_video import BadVideo, BadVideoError
from advvid.errors import InputError


@pytest.fixture
def with_bad(make_video: Callable[..., Path], tmp_path: Path) -> Path:
    for number in range(4):
        make_video(f"set/a/{number}.avi", frames=12)
    (tmp_path / "set/a/1.avi").write_text("not a video")
    return tmp_path / "set"


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_hold_the_clips_of_their_keys(workers: int) -> None:
    dataset = MotionsDataset("train", clips=30)
    keys = [(index, 4) for index in (7, 3, 29, 0, 11)]
    batches = list(clip_loader(dataset, batch_size=2, keys=keys, workers=workers))
    assert [len(batch.labels) for batch in batches] == [2, 2, 1]
    assert torch.cat([batch.indices for batch in batches]).tolist() == [7, 3, 29, 0, 11]
    clips = torch.cat([batch.clips for batch in batches])
    assert clips.dtype == torch.uint8
    for key, clip, label in zip(keys, clips, [7, 3, 9, 0, 1], strict=True):
        assert torch.equal(clip, dataset[key][0])
        assert label == dataset.labels[key[0]]
    assert not any(batch.skipped for batch in batches)


def test_without_keys_all_clips_come_in_order_and_len_counts_batches() -> None:
    loader = clip_loader(MotionsDataset("train", clips=5), batch_size=2)
    assert len(loader) == 3
    assert torch.cat([batch.indices for batch in loader]).tolist() == [0, 1, 2, 3, 4]


def test_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    list(clip_loader(MotionsDataset("train", clips=4), batch_size=2))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("workers", [0, 2])
def test_skipped_videos_are_listed_with_their_batch(with_bad: Path, workers: int) -> None:
    dataset = load_dataset(
        f"folder:{with_bad}", split="all", frames=4, size=16, on_bad_video="skip"
    )
    batches = list(clip_loader(dataset, batch_size=2, workers=workers))
    assert [batch.indices.tolist() for batch in batches] == [[0], [2, 3]]
    assert [[Path(bad.path).name for bad in batch.skipped] for batch in batches] == [["1.avi"], []]
    assert "not a readable video" in batches[0].skipped[0].reason


def test_a_batch_of_bad_videos_only_is_empty(with_bad: Path) -> None:
    dataset = load_dataset(
        f"folder:{with_bad}", split="all", frames=4, size=16, on_bad_video="skip"
    )
    (batch,) = clip_loader(dataset, batch_size=1, keys=[1])
    assert batch.clips.shape == (0, 3, 4, 16, 16)
    assert len(batch.labels) == 0
    assert len(batch.skipped) == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_video_raises_one_line_also_from_a_worker(with_bad: Path, workers: int) -> None:
    dataset: ClipDataset = load_dataset(f"folder:{with_bad}", split="all", frames=4, size=16)
    with pytest.raises(InputError, match=r"1\.avi: not a readable video") as caught:
        list(clip_loader(dataset, batch_size=4, workers=workers))
    assert "\n" not in str(caught.value)


def test_the_error_survives_pickling() -> None:
    error = BadVideoError(BadVideo("a.avi", "empty"))
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert copy.bad_video == error.bad_video


def test_to_unit_scales_bytes_and_passes_floats() -> None:
    values = torch.tensor([0, 51, 255], dtype=torch.uint8)
    assert to_unit(values).tolist() == pytest.approx([0, 0.2, 1])
    assert values.tolist() == [0, 51, 255]
    unit = torch.rand(4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(to_unit(unit, "cpu"), unit)
    assert to_unit(unit.double()).dtype == torch.float32
    with pytest.raises(InputError, match="int64"):
        to_unit(torch.zeros(2, dtype=torch.int64))


def test_bad_settings_are_refused() -> None:
    with pytest.raises(InputError, match="batch_size must be a whole number of at least 1; got 0"):
        clip_loader(MotionsDataset("test"), batch_size=0)
    with pytest.raises(InputError, match="workers must be from 0 to 1024"):
        clip_loader(MotionsDataset("test"), batch_size=2, workers=-1)
