"""Damaged videos: a frame is as it was recorded, or it is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from torch import Tensor

from advvid.data import clip_loader, load_dataset
from advvid.data.video import read_frames
from advvid.data.video.bad_video import BadVideoError
from advvid.data.video.index import video_info

MakeVideo = Callable[..., Path]
Change = Callable[[int, bytes], bytes | None]

KINDS: dict[str, dict[str, Any]] = {
    "b.mp4": {"codec": "libx264", "b_frames": 2},
    "slices.mp4": {"codec": "libx264", "options": {"x264-params": "slices=3:bframes=0"}},
    "one-gop.mkv": {"codec": "libx264", "gop": 250, "b_frames": 3},
    "b.avi": {"b_frames": 2},
    "p.avi": {},
    "ms.avi": {"codec": "msmpeg4"},
    "b.mkv": {"codec": "mpeg2video", "b_frames": 2},
    "program.mpg": {"codec": "mpeg2video", "b_frames": 2},
}
GOP = 10


def damaged(whole: Path, change: Change) -> Path:
    """Write the packets of a video again, each changed, or left out where None comes back."""
    path = whole.with_stem(whole.stem + "-damaged")
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux(video=0) if p.size):
            data = change(number, bytes(packet))
            if data is not None:
                copy = av.Packet(data)
                copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
                copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
                copy.stream = stream
                target.mux(copy)
    return path


def half_of(number: int) -> Change:
    return lambda at, data: data[: len(data) // 2] if at == number else data


def outcome(path: Path, everything: Tensor, wanted: list[int]) -> str:
    try:
        same = torch.equal(read_frames(path, wanted), everything[:, wanted])
    except BadVideoError:
        return "refused"
    return "fine" if same else "wrong"


@pytest.mark.parametrize("name", KINDS)
def test_no_frame_is_invented_where_a_packet_is_cut(name: str, make_video: MakeVideo) -> None:
    whole = make_video(name, frames=3 * GOP, size=(96, 80), **{"gop": GOP, **KINDS[name]})
    everything = read_frames(whole, range(3 * GOP))
    found = set()
    for number in (3, 4, 5, GOP + 4, 2 * GOP + 6):
        path = damaged(whole, half_of(number))
        for wanted in (list(range(3 * GOP)), [GOP - 1], [2 * GOP - 1], [3 * GOP - 1], [2]):
            found.add(outcome(path, everything, wanted))
    assert found == {"fine", "refused"}


def test_frames_are_refused_from_the_damage_to_the_next_key_frame(make_video: MakeVideo) -> None:
    whole = make_video("p.mp4", frames=30, size=(96, 80), gop=10, codec="libx264")
    everything = read_frames(whole, range(30))
    path = damaged(whole, half_of(13))
    outcomes = [outcome(path, everything, [index]) for index in range(30)]
    key = min(start for start in video_info(path).starts.tolist() if start > 13)
    assert outcomes == ["fine"] * 13 + ["refused"] * (key - 13) + ["fine"] * (30 - key)
    assert key > 14
    # The same where frames can only be counted, up to the damage.
    whole = make_video("p.mpg", codec="mpeg2video", frames=30, size=(96, 80), gop=10)
    everything = read_frames(whole, range(30))
    data = bytearray(whole.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 60] = np.random.default_rng(0).bytes(60)
    whole.write_bytes(data)
    outcomes = [outcome(whole, everything, [index]) for index in range(video_info(whole).frames)]
    refused = outcomes.index("refused")
    assert 0 < refused < 29
    assert set(outcomes[:refused]) == {"fine"}
    assert set(outcomes[refused:]) == {"refused"}


def test_a_lost_frame_that_others_are_predicted_from_is_missed(make_video: MakeVideo) -> None:
    whole = make_video("lost.mp4", codec="libx264", frames=30, gop=10, b_frames=2)
    everything = read_frames(whole, range(30))
    # Nothing of the packet can be read; its time is still in the index.
    path = damaged(whole, lambda at, data: b"\x00\x00\x00\x01\x09" if at == 11 else data)
    outcomes = [outcome(path, everything, [index]) for index in range(30)]
    assert "wrong" not in outcomes
    assert outcomes[18] == "refused"
    # The decoder holds back two frames at the damage, which are refused too.
    assert {*outcomes[:9], *outcomes[20:]} == {"fine"}


@pytest.mark.parametrize("name", ["cut.mkv", "cut.avi", "counted.avi"])
def test_frames_before_a_cut_have_their_own_numbers(name: str, make_video: MakeVideo) -> None:
    codec = "mpeg4" if name == "cut.avi" else "libx264"
    whole = make_video(name, codec=codec, frames=60, size=(96, 80), gop=12, b_frames=3)
    everything, data = read_frames(whole, range(60)), whole.read_bytes()
    for share in range(55, 95, 4):
        whole.write_bytes(data[: len(data) * share // 100])
        info = video_info(whole)
        there = list(range(info.present))
        assert torch.equal(read_frames(whole, there), everything[:, there])
        # Matroska states a duration only, so that half a second may be missing.
        if not (name == "cut.mkv" and info.frames == info.present >= 47):
            assert info.frames == 60
            assert outcome(whole, everything, [59]) == "refused"


@pytest.mark.parametrize("workers", [0, 1])
def test_conceal_uses_and_lists_what_is_damaged(make_video: MakeVideo, workers: int) -> None:
    whole = make_video("set/a/whole.mp4", frames=30, size=(96, 80), gop=30)
    damaged(whole, half_of(13))
    whole.with_name("text.mp4").write_text("no video")
    folder = whole.parents[1]
    shape: dict[str, Any] = {"frames": 8, "size": 32, "split": "all"}
    strict: Any = load_dataset(f"folder:{folder}", **shape)
    with pytest.raises(
        BadVideoError, match="frame 13 of 30 cannot be decoded: the file is damaged"
    ):
        read_frames(whole.with_stem("whole-damaged"), [13, 20])
    with pytest.raises(BadVideoError, match=r"\(`on_bad_video=conceal`\)"):
        strict.clip(int(strict.items[1].identity != "a/whole-damaged.mp4"))

    dataset = load_dataset(f"folder:{folder}", **shape, on_bad_video="conceal")
    batches = list(clip_loader(dataset, batch_size=1, workers=workers))
    assert [len(batch.clips) for batch in batches].count(1) == 2
    listed = {Path(bad.path).name: bad for batch in batches for bad in batch.skipped}
    assert set(listed) == {"whole-damaged.mp4", "text.mp4"}
    assert listed["whole-damaged.mp4"].reason.startswith("used with damage concealed: ")
    assert listed["text.mp4"].line.startswith("skipped ")
    clips, _ = load_dataset(f"folder:{folder}", **shape, on_bad_video="conceal").sample(2)
    assert clips.shape == (2, 3, 8, 32, 32)
    # A file cut short is filled up with its last frame.
    cut = make_video("cut.mkv", frames=60, size=(160, 120), gop=6)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    filled = read_frames(cut, [0, 59], conceal=True)
    assert torch.equal(filled[:, 1], read_frames(cut, [video_info(cut).present - 1])[:, 0])
