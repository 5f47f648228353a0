"""Decode, sample, augment, batch: each can be replaced, and the defaults give what they gave."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from advvid.augmentation import Flip
from advvid.data import ClipBatch, ClipDataset, Dense, MotionsDataset, clip_loader, load_dataset
from advvid.data.loader import Loaded, LoadedClip, StackClips
from advvid.data.readers.video_dataset import VideoDataset
from advvid.errors import InputError
from tests.data.strangers import Darken, First, MadeUp

HERE = "tests.data.strangers"


@pytest.fixture
def video(tmp_path: Path) -> str:
    path = tmp_path / "a.avi"
    path.touch()
    return str(path)


def load(video: str, **options: Any) -> ClipDataset:
    return load_dataset(video, **{"frames": 4, "size": 16, "decoder": MadeUp(), **options})


def frames_of_video(indices: Sequence[int], short_side: int = 19) -> Tensor:
    return MadeUp().read("", indices, short_side=short_side)


@pytest.mark.parametrize(
    ("options", "digest"),
    [
        ({}, "c8cc17ec8db5c5b2"),
        ({"seed": 5}, "c30d452070366271"),
        ({"flip": False}, "cb5d5d328da25da4"),
        ({"sampling": "dense"}, "22f75863474b2f6a"),
        ({"sampling": "dense", "stride": 3, "clips_per_video": 2}, "2a191319b0422c2d"),
        ({"sampling": "dense:stride=3", "clips_per_video": 2}, "2a191319b0422c2d"),
        ({"clips_per_video": 3, "short_side": 20}, "dadfa7c2c18ac416"),
        ({"augment": ["crop", "flip:probability=0.5"]}, "c8cc17ec8db5c5b2"),
        ({"augment": "crop"}, "cb5d5d328da25da4"),
    ],
)
def test_the_same_clips_as_ever(video: str, options: dict[str, Any], digest: str) -> None:
    """Recorded when crop and flip were part of the data set."""
    dataset = load(video, **options)
    found = hashlib.blake2b(digest_size=8)
    for index in range(len(dataset)):
        for draw in (None, 0, 1, 2, 3):
            found.update(dataset.clip(index, draw)[0].numpy().tobytes())
    assert found.hexdigest() == digest


@pytest.mark.parametrize("draw", range(4))
def test_the_training_view_of_motions_is_the_same_as_ever(draw: int) -> None:
    dataset = MotionsDataset("val", seed=2)
    clip = dataset.clip(7)[0].numpy()
    rng = np.random.default_rng((2, 3, 1, 7, draw))
    shift = tuple(rng.integers(32, size=2))
    expected = np.roll(clip[rng.permutation(3)], shift, axis=(2, 3))
    np.testing.assert_array_equal(dataset.clip(7, draw)[0].numpy(), expected)


@pytest.mark.parametrize("decoder", [MadeUp(), f"{HERE}:MadeUp"])
def test_a_decoder_of_ones_own(video: str, decoder: Any) -> None:
    clip, _ = load(video, decoder=decoder).clip(0)
    assert torch.equal(clip, frames_of_video([5, 15, 25, 35])[..., 1:17, 4:20])


@pytest.mark.parametrize("sampling", [First(start=2), f"{HERE}:First:start=2"])
def test_a_sampler_of_ones_own(video: str, sampling: Any) -> None:
    expected = frames_of_video([2, 3, 4, 5])[..., 1:17, 4:20]
    assert torch.equal(load(video, sampling=sampling).clip(0)[0], expected)
    resampled = load(video).resampled(sampling, 2)
    assert len(resampled) == 2
    assert torch.equal(resampled.clip(1)[0], expected)


def test_a_sampler_as_an_object_is_the_text(video: str) -> None:
    for draw in (None, 3):
        by_object = load(video, sampling=Dense(stride=2)).clip(0, draw)[0]
        assert torch.equal(by_object, load(video, sampling="dense:stride=2").clip(0, draw)[0])


@pytest.mark.parametrize("darken", [Darken(by=40), f"{HERE}:Darken:by=40"])
def test_an_augmentation_of_ones_own(video: str, darken: Any) -> None:
    plain, dark = load(video), load(video, augment=["crop", "flip", darken])
    assert torch.equal(dark.clip(0)[0], plain.clip(0)[0])
    for draw in range(3):
        expected = (plain.clip(0, draw)[0].int() - 40).clamp(min=0)
        assert torch.equal(dark.clip(0, draw)[0].int(), expected)
    generated = load_dataset("motions", augment=darken)
    assert torch.equal(
        generated.clip(3, 0)[0].int(), (generated.clip(3)[0].int() - 40).clamp(min=0)
    )


def test_what_no_augmentation_crops_is_cropped_from_the_center(video: str) -> None:
    dataset = load(video, augment=[], sampling=First())
    assert torch.equal(dataset.clip(0, 5)[0], dataset.clip(0)[0])
    mirrored = load(video, augment=Flip(probability=1), sampling=First())
    assert torch.equal(mirrored.clip(0, 5)[0].flip(-1), frames_of_video(range(4))[..., 1:17, 5:21])


def test_a_batch_of_ones_own_has_soft_labels() -> None:
    class Mix:
        """Mean of neighbors, of clips and of labels."""

        def __call__(self, loaded: Sequence[Loaded]) -> ClipBatch:
            batch = StackClips((3, 8, 32, 32))(loaded)
            assert [one.key for one in loaded if isinstance(one, LoadedClip)] == [(4, 7), (9, 7)]
            soft = torch.eye(10)[batch.labels]
            pixels = batch.clips.float() / 255
            return batch._replace(
                clips=(pixels + pixels.roll(1, 0)) / 2, labels=(soft + soft.roll(1, 0)) / 2
            )

    dataset = MotionsDataset("train")
    (batch,) = clip_loader(dataset, batch_size=2, keys=[(4, 7), (9, 7)], collate=Mix())
    mean = (dataset.clip(4, 7)[0].float() + dataset.clip(9, 7)[0]) / 510
    torch.testing.assert_close(batch.clips, torch.stack([mean, mean]))
    assert batch.labels.nonzero().tolist() == [[0, 4], [0, 9], [1, 4], [1, 9]]
    assert batch.indices.tolist() == [4, 9]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": ["crp"]}, "unknown augmentation 'crp'; did you mean crop"),
        ({"augment": ["crop:size=0"]}, "size must be a whole number of at least 1; got 0"),
        ({"augment": [f"{HERE}:Darken"]}, r"Darken needs by: write .*Darken:by="),
        ({"augment": [f"{HERE}:First"]}, "must be a subclass of .*Augmentation"),
        ({"augment": [3]}, r"augment must be text or Augmentation or .*; got \[3\]"),
        ({"augment": "crop", "flip": False}, "flip=False is for the default augmentation"),
        ({"sampling": First(), "stride": 2}, "stride 2 goes with dense sampling"),
        ({"sampling": "dense:stride=3", "stride": 2}, "stride 2 goes with dense sampling"),
        ({"decoder": "cv2"}, "unknown decoder 'cv2'; there are pyav"),
    ],
)
def test_a_wrong_slot_is_one_line(video: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(video, **options)


def test_a_slot_that_gives_something_else_is_named(video: str) -> None:
    class Cut(Darken):
        def __call__(self, clip: Tensor, rng: np.random.Generator) -> Tensor:
            return clip[:, :3]

    dataset = load(video, augment=Cut(by=0))
    with pytest.raises(InputError, match=r"uint8 \(3, 4, 16, 16\) after .* \(3, 3, 16, 16\)"):
        dataset.clip(0, 0)


def test_a_reader_brings_its_own_decoder() -> None:
    from advvid.data import DatasetOptions
    from advvid.data.readers.video_dataset import VideoItem

    options = DatasetOptions(frames=4, size=16)
    dataset = VideoDataset("mine", [VideoItem("p", 0, "p")], ("a",), options, decoder=MadeUp())
    expected = frames_of_video([5, 15, 25, 35])[..., 1:17, 4:20]
    assert torch.equal(dataset.clip(0)[0], expected)
    assert dataset.resampled("dense", 3).clip(1)[0].shape == (3, 4, 16, 16)
