from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from av.video.frame import VideoFrame
from torch import Tensor

from advvid.data.video import decoding as video
from advvid.data.video import read_frames
from advvid.data.video.bad_video import BadVideoError
from advvid.data.video.index import video_info
from advvid.data.video.packets import sound_frames
from advvid.errors import InputError

MakeVideo = Callable[..., Path]
DecodeAll = Callable[[Path], Tensor]

UNEVEN = np.cumsum(np.random.default_rng(1).integers(10, 200, 30)).tolist()
FILES: dict[str, dict[str, Any]] = {
    "intra.avi": {"gop": 1},
    "plain.avi": {"gop": 12},
    "b-frames.avi": {"gop": 2, "b_frames": 2},
    "msmpeg.avi": {"codec": "msmpeg4"},
    "odd.avi": {"size": (67, 45), "codec": "msmpeg4"},
    "one-gop.mp4": {"codec": "libx264", "gop": 250, "b_frames": 2},
    "open-gop.mp4": {
        "codec": "libx264",
        "b_frames": 3,
        "gop": 6,
        "options": {"x264-params": "open-gop=1"},
    },
    "refresh.mkv": {"codec": "libx264", "gop": 10, "options": {"x264-params": "intra-refresh=1"}},
    "uneven.mp4": {"codec": "libx264", "times": UNEVEN},
    "uneven.mkv": {"codec": "libx264", "b_frames": 2, "times": UNEVEN},
    "late.mkv": {"times": [5000 + 40 * i for i in range(30)]},
    "program.mpg": {"codec": "mpeg2video", "gop": 6},
    "hidden.webm": {"codec": "libvpx", "gop": 8},
    "b-frames.h264.avi": {"codec": "libx264", "gop": 6, "b_frames": 2},
    "b-frames.hevc.mp4": {
        "codec": "libx265",
        "gop": 10,
        "b_frames": 2,
        "options": {"x265-params": "log-level=none"},
    },
    "raw.h264": {"codec": "libx264", "gop": 6},
}


@pytest.mark.parametrize("name", FILES)
def test_chosen_frames_are_those_of_decoding_everything(
    name: str, make_video: MakeVideo, decode_all: DecodeAll
) -> None:
    path = make_video(name, **FILES[name])
    everything = decode_all(path)
    info = video_info(path)
    assert info.frames == info.present == everything.shape[1] == 30
    rng = np.random.default_rng(0)
    for count in (1, 2, 3, 8, 30):
        indices = rng.integers(0, 30, count).tolist()
        assert torch.equal(read_frames(path, indices), everything[:, indices])
        indices.sort()
        assert torch.equal(read_frames(path, indices), everything[:, indices])


def test_seeking_decodes_a_part_of_the_file(
    make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video("long.avi", frames=200, gop=10)
    decoded: list[int] = []

    def counting(*arguments: Any, **options: Any) -> Any:
        for frame in sound_frames(*arguments, **options):
            if isinstance(frame, VideoFrame):
                decoded.append(frame.pts or 0)
            yield frame

    monkeypatch.setattr(video, "sound_frames", counting)
    read_frames(path, [20, 103, 104, 199])
    assert decoded[0] == 20
    assert len(decoded) <= 1 + 5 + 10


def test_info_of_constant_and_uneven_rates(make_video: MakeVideo) -> None:
    even = video_info(make_video("even.avi", frames=50, rate=20))
    assert even.frames == 50
    assert [even.fps, even.duration] == pytest.approx([20, 2.5])
    uneven = video_info(make_video("uneven.mp4", codec="libx264", times=UNEVEN))
    span = (UNEVEN[-1] - UNEVEN[0]) / 1000 * 30 / 29
    assert uneven.duration == pytest.approx(span, rel=1e-3)
    assert uneven.fps == pytest.approx(30 / span, rel=1e-3)


@pytest.mark.parametrize(
    ("size", "short_side", "shape"),
    [((64, 48), 24, (24, 32)), ((48, 64), 24, (32, 24)), ((67, 45), 30, (30, 45))],
)
def test_short_side_is_resized_with_smoothing(
    size: tuple[int, int],
    short_side: int,
    shape: tuple[int, int],
    make_video: MakeVideo,
    decode_all: DecodeAll,
) -> None:
    path = make_video("any.avi", size=size)
    clip = read_frames(path, [4, 20], short_side=short_side)
    assert clip.shape == (3, 2, *shape)
    full = decode_all(path)[:, [4, 20]].transpose(0, 1).float()
    plain = torch.nn.functional.interpolate(full, shape, mode="bilinear", antialias=True)
    assert (clip.transpose(0, 1) - plain).abs().mean() < 4


def test_display_rotation_is_applied(make_video: MakeVideo, decode_all: DecodeAll) -> None:
    path = make_video("turned.mp4", codec="libx264", rotate=90)
    upright = torch.rot90(decode_all(path), 1, dims=(2, 3))
    assert torch.equal(read_frames(path, [3]), upright[:, [3]])


@pytest.mark.parametrize("name", ["cut.avi", "cut.mkv", "cut.mp4"])
def test_a_file_cut_short_gives_its_first_frames_and_an_error(
    name: str, make_video: MakeVideo, decode_all: DecodeAll, tmp_path: Path
) -> None:
    whole = make_video("whole" + Path(name).suffix, frames=60, size=(160, 120), gop=6)
    if name.endswith("mp4"):
        # An mp4 keeps its index at the end unless it was made for streaming.
        source, whole = whole, tmp_path / "front.mp4"
        with (
            av.open(str(source)) as given,
            av.open(str(whole), "w", options={"movflags": "faststart"}) as target,
        ):
            stream = target.add_stream_from_template(given.streams.video[0])
            for packet in given.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
    everything = decode_all(whole)
    path = tmp_path / name
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    info = video_info(path)
    assert info.frames == 60
    assert 2 < info.present < 58
    there = [0, info.present - 1]
    assert torch.equal(read_frames(path, there), everything[:, there])
    with pytest.raises(BadVideoError, match=r"frame 59 of 60 is missing: .* cut short") as caught:
        read_frames(path, [0, 59])
    assert str(path) in str(caught.value)


def test_what_is_no_video_is_named_with_the_reason(tmp_path: Path, make_video: MakeVideo) -> None:
    text, empty = tmp_path / "text.avi", tmp_path / "empty.avi"
    text.write_text("hello\n" * 100)
    empty.touch()
    headless = tmp_path / "headless.mp4"
    headless.write_bytes(make_video("whole.mp4", codec="libx264").read_bytes()[:-200])
    for path, reason in (
        (text, "not a readable video"),
        (empty, "the file is empty"),
        (headless, "not a readable video"),
        (tmp_path / "gone.avi", "no such file"),
        (tmp_path, "not a readable video"),
    ):
        with pytest.raises(BadVideoError) as caught:
            read_frames(path, [0])
        message = str(caught.value)
        assert f"{path}: {reason}" in message
        assert "\n" not in message


def test_text_that_is_not_utf8_does_not_matter(
    make_video: MakeVideo, decode_all: DecodeAll, tmp_path: Path
) -> None:
    plain = make_video("plain.avi")
    data = plain.read_bytes()
    assert b"ISFT" in data
    path = tmp_path / "latin-1.avi"
    path.write_bytes(data.replace(b"Lavf", b"Caf\xe9"))  # the name of the writing program
    assert torch.equal(read_frames(path, [0, 29]), decode_all(plain)[:, [0, 29]])


def test_a_codec_without_a_decoder_is_named_as_the_reason(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    data = make_video("known.avi").read_bytes()
    assert data.count(b"FMP4") == 2
    path = tmp_path / "unknown.avi"
    path.write_bytes(data.replace(b"FMP4", b"ZZZZ"))
    for read in (video_info, lambda path: read_frames(path, [0])):
        with pytest.raises(BadVideoError) as caught:
            read(path)
        assert caught.value.bad_video == (str(path), "no decoder for its codec")


def test_a_colon_in_a_file_name_is_no_protocol(
    make_video: MakeVideo,
    decode_all: DecodeAll,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = decode_all(make_video("12:30.avi"))
    (tmp_path / "12:31.avi").write_text("hello\n" * 100)
    monkeypatch.chdir(tmp_path)
    assert torch.equal(read_frames("12:30.avi", [7]), whole[:, [7]])
    with pytest.raises(BadVideoError, match=r"video 12:31\.avi: not a readable video"):
        read_frames("12:31.avi", [0])


def test_damage_gives_frames_or_one_line(make_video: MakeVideo, tmp_path: Path) -> None:
    data = make_video("whole.avi", frames=40).read_bytes()
    outcomes: list[str] = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        start = int(rng.integers(len(data) - 100))
        broken = data[:start] + rng.bytes(100) + data[start + 100 :]
        path = tmp_path / f"{seed}.avi"
        path.write_bytes(broken)
        try:
            read_frames(path, [0, video_info(path).frames - 1])
            outcomes.append("")
        except InputError as error:
            outcomes.append(str(error))
    assert 0 < outcomes.count("") < 40
    assert not any("\n" in outcome for outcome in outcomes)


@pytest.mark.parametrize("suffix", ["mp4", "avi", "mkv"])
def test_a_single_frame_and_a_long_pause_are_whole_files(
    make_video: MakeVideo, suffix: str
) -> None:
    still = make_video(f"still.{suffix}", frames=1, rate=1)
    pause = make_video(f"pause.{suffix}", times=[40 * i for i in range(29)] + [9000])
    for path, frames in ((still, 1), (pause, 30)):
        assert video_info(path).frames == video_info(path).present == frames
        read_frames(path, [frames - 1])


def test_a_changed_file_is_read_anew(make_video: MakeVideo) -> None:
    assert video_info(make_video("same.avi", frames=10)).frames == 10
    assert video_info(make_video("same.avi", frames=14)).frames == 14


def test_frames_that_are_not_there_are_refused(make_video: MakeVideo) -> None:
    path = make_video("short.avi", frames=5)
    for indices in ([5], [-1], []):
        with pytest.raises(InputError, match="frames 0 to 4"):
            read_frames(path, indices)


def test_real_clips_are_read_as_decoding_everything_reads_them(
    ucf11: Path, decode_all: DecodeAll
) -> None:
    paths = sorted(ucf11.glob("*/*/*.avi"))
    for path in paths[::25]:
        everything = decode_all(path)
        count = everything.shape[1]
        assert video_info(path).frames == count
        indices = [0, count // 3, count // 2, count - 1]
        assert torch.equal(read_frames(path, indices), everything[:, indices])
