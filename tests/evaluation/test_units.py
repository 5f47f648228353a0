"""Intervals count videos, and not clips."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

import advvid
from advvid.data.clip_origin import ClipOrigin
from advvid.errors import InputError
from advvid.evaluation import Evaluation, MemoryClips, evaluate
from advvid.evaluation.views.clips import clip_records
from tests.clip_models import CLASSES, LinearClipModel, random_clips


def classifier() -> advvid.VideoClassifier:
    return advvid.VideoClassifier(LinearClipModel(classes=CLASSES))


def measured(clips: Tensor, labels: Tensor, videos: Any = None) -> Evaluation:
    found: Evaluation = evaluate(
        classifier(),
        clips,
        labels,
        attacks="random-noise",
        eps=[0.1],
        alarms=False,
        videos=videos,
    )
    return found


def test_videos_are_counted_and_said() -> None:
    clips, labels = random_clips(12)
    found = measured(clips, labels, np.repeat(np.arange(4), 3))
    assert (found.videos, found.clean_accuracy.units, found.results[0].accuracy.units) == (4, 4, 4)
    assert "12 clips, 4 videos" in found.to_markdown()
    content = found.to_dict()
    assert (content["clips"], content["videos"]) == (12, 4)
    assert [one["video"] for one in content["origins"]] == list("000111222333")
    rows = clip_records(found)
    assert [row["video"] for row in rows] == list("000111222333")
    assert [row["random-noise eps 25.5/255"] for row in rows] == found.results[0].correct.tolist()
    alone = measured(clips, labels)
    assert alone.videos == 12
    assert "| 12 |" in alone.to_markdown()
    own, independent = found.clean_accuracy.interval, alone.clean_accuracy.interval
    assert own is not None
    assert independent is not None
    assert own[1] - own[0] > independent[1] - independent[0]


def test_one_video_has_no_interval_anywhere(tmp_path: Path) -> None:
    clips, labels = random_clips(6)
    found = measured(clips, labels, ["mine"] * 6)
    assert str(found.clean_accuracy).endswith("(one video: no interval)")
    assert "[" not in found.to_markdown()
    content = found.to_dict()
    every = [content["clean"], *content["results"], *content["worst"]]
    assert [one["interval"] for one in every] == [None] * 3
    assert ",6," in found.to_csv()
    from advvid.evaluation.views.plots import draw

    draw(tmp_path, found, chance=None)
    assert (tmp_path / "accuracy.png").stat().st_size


def test_videos_of_a_loader_are_counted_in_the_order_of_its_data() -> None:
    clips, labels = random_clips(12)
    numbers = np.repeat(np.arange(4), 3).tolist()
    loader = DataLoader(TensorDataset(clips, labels), batch_size=5, shuffle=True)
    found = evaluate(
        classifier(), loader, attacks="random-noise", eps=0.1, alarms=False, videos=numbers
    )
    wanted = measured(clips, labels, numbers)
    assert found.accuracy("random-noise", 0.1) == wanted.accuracy("random-noise", 0.1)
    assert (found.origins, found.clean_accuracy.units) == (wanted.origins, 4)
    some = DataLoader(loader.dataset, sampler=SubsetRandomSampler([7, 2]))
    with pytest.raises(InputError, match="videos must be 2, one a clip; got 12"):
        evaluate(classifier(), some, attacks=[], videos=numbers)


def test_equal_clips_in_memory_are_one_unit() -> None:
    clips, labels = random_clips(5)
    found = measured(torch.cat([clips] * 20), labels.repeat(20))
    assert found.videos == 5
    assert "100 clips, 5 videos" in found.to_markdown()
    # Pixels that differ in one place are another clip.
    other = clips[:1].clone()
    other[0, 0, 0, 0, 1] += 0.25 if other[0, 0, 0, 0, 1] < 0.5 else -0.25
    source = MemoryClips(torch.cat([clips, other, clips[2:3]]), None)
    assert [source.origin(place).video for place in (0, 5, 6)] == ["clip 0", "clip 5", "clip 2"]


def test_clips_with_the_same_frames_are_told_apart_from_distinct_ones() -> None:
    class FromOneFile(MemoryClips):
        def origin(self, position: int) -> ClipOrigin:
            return ClipOrigin("one.mp4", tuple(range(position % 5, position % 5 + 4)), "one.mp4")

    clips, labels = random_clips(10)
    found = evaluate(classifier(), FromOneFile(clips, labels), attacks=[])
    assert "10 clips (5 distinct), 1 video" in found.to_markdown()
    assert found.to_dict()["origins"][1] == {
        "video": "one.mp4",
        "frames": [1, 2, 3, 4],
        "path": "one.mp4",
        "source": None,
    }


def test_a_resumed_evaluation_knows_the_videos(tmp_path: Path) -> None:
    clips, labels = random_clips(6)
    names = ["a", "a", "b", "b", "c", "c"]
    arguments: dict[str, Any] = {
        "attacks": "random-noise",
        "eps": [0.1],
        "alarms": False,
        "videos": names,
    }

    class Stopped(LinearClipModel):
        calls = 0

        def forward(self, clips: Tensor) -> Tensor:
            self.calls += 1
            if self.calls > 3:
                raise KeyboardInterrupt
            return super().forward(clips)

    stopped = Stopped(classes=CLASSES)
    where = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        evaluate(advvid.VideoClassifier(stopped), clips, labels, parts=where, **arguments)
    stopped.calls = -1000
    resumed = evaluate(advvid.VideoClassifier(stopped), clips, labels, parts=where, **arguments)
    assert [one.video for one in resumed.origins] == names


@pytest.mark.parametrize(
    ("videos", "words"),
    [
        (["a"] * 5, "one a clip; got 5"),
        ("aaaaaa", "videos must be a name or a number for each clip"),
        ([0.5] * 6, "videos must be a name or"),
        ([True] * 6, "videos must be a name or"),
        ([[0]] * 6, "videos must be a name or"),
        (3, "videos must be a name or"),
        (np.full(6, 0.5), "videos must be a name or a number for each clip"),
        (np.zeros((6, 1), dtype=int), "videos must be a name or"),
    ],
)
def test_other_videos_are_refused(videos: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        measured(*random_clips(6), videos)
    source = MemoryClips(*random_clips(6), ["b"] * 6)
    with pytest.raises(InputError, match="leave videos out"):
        evaluate(classifier(), source, videos=["a"] * 6)


def test_videos_cut_from_one_recording_are_one_unit() -> None:
    clips, labels = random_clips(12)
    found = measured(clips, labels)
    origins = tuple(
        ClipOrigin(f"{n}.avi", source=f"group {n // 3}") for n in range(len(found.origins))
    )
    grouped = replace(found, origins=origins)
    assert "12 clips, 4 source videos" in grouped.to_markdown()
    assert grouped.clean_accuracy.units == grouped.results[0].accuracy.units == 4
    assert [one["source"] for one in grouped.to_dict()["origins"]][:4] == [
        *["group 0"] * 3,
        "group 1",
    ]


def test_a_file_that_two_data_sets_list_is_one_video() -> None:
    clips, labels = random_clips(4)
    found = measured(clips, labels)
    frames = (0, 1)
    origins = (
        ClipOrigin("list/a.mp4", frames, "videos/a.mp4"),
        ClipOrigin("folder/a.mp4", frames, "./videos/a.mp4"),
        ClipOrigin("folder/b.mp4", frames, "videos/b.mp4", "folder/recording"),
        ClipOrigin("folder/c.mp4", frames, "videos/c.mp4", "folder/recording"),
    )
    joined = replace(found, origins=origins)
    assert (joined.videos, joined.distinct_clips) == (2, 3)
    assert joined.sample == "4 clips (3 distinct), 2 source videos"
    assert joined.clean_accuracy.units == 2
    # A recording that one of two lists groups is one for the clips of the other as well.
    linked = replace(found, origins=(*origins[:3], origins[3]._replace(path="videos/a.mp4")))
    assert linked.videos == 1
