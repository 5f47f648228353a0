"""Rows of the tables, trained and attacked for real at a tiny scale."""

import json
from collections.abc import Callable
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
from tests.reproduction import stopping_net
from tests.reproduction.stopping_net import stopped_when

SCALE = Scale(
    "tests.reproduction.stopping_net:StoppingNet",
    "motions:40",
    None,
    TrainSettings(epochs=2, batch_size=16),
    attack_steps=1,
    val_clips=2,
    clips=3,
    auto_attack="autoattack:max_iter=1,queries=2,targets=1",
    auto_clips=2,
    steps=2,
    reading={"frames": 4, "size": 16},
)


def run(folder: Path, *, resume: bool = False, scale: Scale = SCALE) -> RowResult:
    results = reproduce(
        ["table1"], scale=scale, rows="at-8-eps", device="cpu", out=folder, resume=resume
    )
    return results["at-8-eps"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    run(folder)
    return folder


def content(folder: Path) -> dict[str, Any]:
    """What a row measured, without its seconds."""
    row: dict[str, Any] = json.loads((folder / "at-8-eps" / "row.json").read_text())
    return row | {"seconds": None}


def test_a_row_is_trained_attacked_and_put_beside_the_paper(whole: Path) -> None:
    row = content(whole)
    assert (row["clips"], row["auto_clips"], row["epochs"]) == (3, 2, 2)
    assert len(row["pgd"]) == len(row["auto"]) == 5
    pgd = row["pgd"]
    assert all(after <= before for before, after in pairwise(pgd))
    assert json.loads((whole / "results.json").read_text())["at-8-eps"]["pgd"] == row["pgd"]
    table = (whole / "table1.md").read_text()
    assert "39.9" in table  # of the paper, AT(8, eps) at 4/255
    assert table.count("not finished") == 5
    assert (whole / "table1.png").exists()


@pytest.mark.parametrize("file", ["train/checkpoint.pt", "pgd.json"])
def test_a_row_is_resumed_where_it_was_stopped(tmp_path: Path, whole: Path, file: str) -> None:
    """After the first epoch, and between the columns: what was done is not done again."""
    out = tmp_path / "run"
    reached: Callable[[], bool] = (out / "at-8-eps" / file).exists
    with stopped_when(reached), pytest.raises(KeyboardInterrupt):
        run(out)
    assert not (out / "at-8-eps" / "row.json").exists()
    before = stopping_net.calls[0]
    run(out, resume=True)
    resumed = stopping_net.calls[0] - before
    assert content(out) == content(whole)
    before = stopping_net.calls[0]
    run(tmp_path / "again")
    assert resumed < stopping_net.calls[0] - before


def test_a_finished_row_is_not_touched(whole: Path) -> None:
    before, calls = (whole / "at-8-eps" / "row.json").read_bytes(), stopping_net.calls[0]
    assert asdict(run(whole, resume=True)) == json.loads(before)
    assert stopping_net.calls[0] == calls
    with pytest.raises(InputError, match="epochs"):
        run(whole, resume=True, scale=replace(SCALE, settings=TrainSettings(epochs=3)))
    with pytest.raises(InputError, match="not empty"):
        run(whole)


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
