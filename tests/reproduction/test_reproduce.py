"""Rows of the tables, trained and attacked for real at a tiny scale."""

import json
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from advvid.errors import InputError
from advvid.reproduction import (
    SCALES,
    RowResult,
    Scale,
    comparison_markdown,
    read_rows,
    read_scale,
    reproduce,
)
from advvid.training import TrainSettings
from tests import stopping_net
from tests.cli.sample_video import write_video
from tests.stopping_net import stopped_when

SCALE = Scale(
    "tests.stopping_net:StoppingNet",
    None,
    None,
    TrainSettings(epochs=2, batch_size=6),
    attack_steps=1,
    val_clips=2,
    clips=3,
    auto_attack="autoattack:max_iter=1,queries=2,targets=1",
    auto_clips=2,
    steps=2,
    reading={"frames": 4, "size": 16},
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Noise of three classes, four videos each to train on and two to validate and test on."""
    root = tmp_path_factory.mktemp("videos")
    for split, count in (("train", 4), ("test", 2)):
        for number, name in enumerate(("red", "green", "blue")):
            (root / split / name).mkdir(parents=True)
            for index in range(count):
                write_video(
                    root / split / name / f"{index}.mp4", frames=6, seed=10 * number + index
                )
    return f"folder:{root}"


def run(data: str, folder: Path, *, resume: bool = False, scale: Scale = SCALE) -> RowResult:
    results = reproduce(
        ["table1"], scale=scale, data=data, rows="at-8-eps", device="cpu", out=folder, resume=resume
    )
    return results["at-8-eps"]


@pytest.fixture(scope="module")
def whole(data: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder of a run that nothing stopped, and its forward passes."""
    folder, before = tmp_path_factory.mktemp("whole") / "run", stopping_net.calls[0]
    run(data, folder)
    return folder, stopping_net.calls[0] - before


def content(folder: Path) -> dict[str, Any]:
    """What a row measured, without its seconds."""
    row: dict[str, Any] = json.loads((folder / "at-8-eps" / "row.json").read_text())
    return row | {"seconds": None}


def test_a_row_is_trained_attacked_and_put_beside_the_paper(whole: tuple[Path, int]) -> None:
    out, row = whole[0], content(whole[0])
    assert (row["clips"], row["auto_clips"], row["epochs"]) == (3, 2, 2)
    assert len(row["pgd"]) == len(row["auto"]) == 5
    assert all(after <= before for before, after in pairwise(row["pgd"]))
    assert json.loads((out / "results.json").read_text())["at-8-eps"]["pgd"] == row["pgd"]
    table = (out / "table1.md").read_text()
    assert "39.9" in table  # of the paper, AT(8, eps) at 4/255
    assert table.count("not finished") == 5
    # A table goes its way without its folder.
    assert "Top-1 in % of tests." in table
    assert (out / "table1.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("file", ["train/history.json", "pgd.json"])
def test_a_row_is_resumed_where_it_was_stopped(
    data: str, tmp_path: Path, whole: tuple[Path, int], file: str
) -> None:
    """After the first epoch, and between the columns: what was done is not done again."""
    out, before = tmp_path / "run", stopping_net.calls[0]
    with stopped_when((out / "at-8-eps" / file).exists), pytest.raises(KeyboardInterrupt):
        run(data, out)
    done = stopping_net.calls[0] - before
    assert not (out / "at-8-eps" / "row.json").exists()
    run(data, out, resume=True)
    assert content(out) == content(whole[0])
    # Only clips whose batch was not complete are classified again.
    assert done > 0
    assert stopping_net.calls[0] - before < whole[1] + done


def test_a_finished_row_is_not_touched(data: str, whole: tuple[Path, int]) -> None:
    out, calls = whole[0], stopping_net.calls[0]
    before = (out / "at-8-eps" / "row.json").read_bytes()
    assert asdict(run(data, out, resume=True)) == json.loads(before)
    assert stopping_net.calls[0] == calls
    with pytest.raises(InputError, match="epochs"):
        run(data, out, resume=True, scale=replace(SCALE, settings=TrainSettings(epochs=3)))
    with pytest.raises(InputError, match="not empty"):
        run(data, out)


def test_what_is_refused_leaves_no_folder(data: str, tmp_path: Path) -> None:
    def refused(message: str, scale: Scale = SCALE, **changes: Any) -> None:
        given: dict[str, Any] = {"data": data, "rows": "aat", "device": "cpu", **changes}
        with pytest.raises(InputError, match=message):
            reproduce(["table2"], scale=scale, out=tmp_path / "run", **given)
        assert not (tmp_path / "run").exists()

    refused("no law", law=tmp_path / "no law.json")
    refused("no folder", data="folder:no folder")
    refused("no model", scale=replace(SCALE, model="no model"))
    refused("hold out", scale=replace(SCALE, held_out=1000))


def test_alarms_are_listed_below_the_table() -> None:
    result = RowResult("benign", [4] * 5, [2] * 5, 4, 2, 1, 1, 1.0, ["robust by masking"])
    text = comparison_markdown({"benign": result}, ("benign", "at-8-eps"))
    assert text.endswith("ALARM benign: robust by masking")
    assert "ALARM" not in comparison_markdown({"benign": result}, ("at-8-eps",))


def test_a_scale_takes_what_is_asked_for() -> None:
    scale = read_scale("small", epochs=3, autoattack_clips=7, keep="best", seed=5)
    small = SCALES["small"]
    assert scale == replace(
        small,
        settings=replace(small.settings, epochs=3, seed=5),
        auto_clips=7,
        keep_best=True,
    )


def test_rows_are_those_of_the_tables_each_once() -> None:
    assert len(read_rows(["table1", "table2"])) == 9
    assert read_rows(["table2"], "aat, cat-up") == ["aat", "cat-up"]
    with pytest.raises(InputError, match="did you mean at-8-eps"):
        read_rows(["table1"], "at-8-ep")
