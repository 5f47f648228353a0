import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from advvid.attacks.core.step_law import PAPER_LAW
from advvid.cli import reproduction
from advvid.cli.reproduction import Reproduction
from advvid.evaluation import evaluate
from advvid.reproduction import ROWS, RowResult, Scale, comparison_markdown, evaluate_row
from advvid.runs.run_folder import RunFolder
from advvid.training import EpochRecord, History, TrainSettings
from tests.training.stand_ins import TinyNet, ToyClips

SCALE = Scale("tiny", None, None, TrainSettings(), clips=3, auto_clips=1, steps=1)
HISTORY = History([EpochRecord(1, 1.0, 0.5, None, None, 0.1, 2.0)])


def run(folder: Path) -> RowResult:
    return evaluate_row(
        ROWS["at-8-eps"],
        SCALE,
        TinyNet(),  # type: ignore[arg-type]
        HISTORY,
        ToyClips(9),
        folder,
        law=PAPER_LAW,
        device="cpu",
    )


def test_what_was_measured_before_a_stop_is_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quick(*arguments: Any, attacks: Any, **options: Any) -> Any:
        # Square alone would take longer than all else in these tests.
        attacks = [a if a != "autoattack" else "random-noise" for a in attacks]
        return evaluate(*arguments, attacks=attacks, **options)

    monkeypatch.setattr("advvid.reproduction.row_run.evaluate", quick)
    whole = run(tmp_path / "whole")
    assert (whole.clips, whole.auto_clips, len(whole.pgd), len(whole.auto)) == (3, 1, 5, 5)
    assert json.loads((tmp_path / "whole" / "row.json").read_text()) == asdict(whole)

    seen = []

    def stopped(*arguments: Any, attacks: Any, **options: Any) -> Any:
        seen.append(tuple(attacks))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return quick(*arguments, attacks=attacks, **options)

    monkeypatch.setattr("advvid.reproduction.row_run.evaluate", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken")
    assert not (tmp_path / "broken" / "row.json").exists()
    assert run(tmp_path / "broken") == whole
    assert [len(attacks) for attacks in seen] == [1, 2, 2]


def test_alarms_stand_below_the_table() -> None:
    result = RowResult("benign", [4] * 5, [2] * 5, 4, 2, 1, 1, 1.0, ["robust by masking"])
    text = comparison_markdown({"benign": result}, ("benign", "at-8-eps"))
    assert text.endswith("ALARM benign: robust by masking")
    assert "ALARM" not in comparison_markdown({"benign": result}, ("at-8-eps",))


def test_a_row_is_trained_on_the_device_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = torch.device("cuda:1")
    fabric = SimpleNamespace(device=asked, is_global_zero=True, broadcast=lambda value: value)
    given: list[Any] = []

    def train_row(*_: Any, **where: Any) -> History:
        given.append(where["device"])
        return HISTORY

    monkeypatch.setattr(reproduction, "train_row", train_row)
    monkeypatch.setattr(reproduction, "evaluate_row", lambda *_, **__: None)
    folder = RunFolder(tmp_path / "run", "reproduce", {})
    work = Reproduction(SCALE, folder, fabric, law=None, devices=1)  # type: ignore[arg-type]
    monkeypatch.setattr(work, "_load", lambda: (None,) * 4)
    work.row("benign")
    assert given == [asked]
