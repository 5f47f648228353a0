"""`advvid evaluate` stopped, killed, resumed and shared among processes."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run_command import CommandRunner, run_process, start_process
from tests.cli.test_cli_evaluate import QUICK


def test_a_stopped_evaluation_is_resumed_by_the_same_command(
    advvid: CommandRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = advvid("evaluate", *QUICK, "--out", "whole", "--batch-size", "2")
    assert whole.code == 0, whole.err

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("advvid.evaluation.conditions.attack.held_to_bound", stop)
    done = advvid("evaluate", *QUICK, "--out", "run", "--batch-size", "2")
    assert done.code == 130
    assert "--out run --resume" in done.err
    monkeypatch.undo()
    taken = advvid("evaluate", *QUICK, "--out", "run")
    assert taken.code == 2
    assert "not empty" in taken.err
    other = advvid("evaluate", *QUICK, "--out", "run", "--resume", "--seed", "1")
    assert other.code == 2
    assert "seed" in other.err
    assert advvid("evaluate", *QUICK, "--out", "run", "--resume").code == 0
    found, expected = (
        json.loads((tmp_path / name / "results.json").read_text()) for name in ("run", "whole")
    )
    assert [r["correct"] for r in found["results"]] == [r["correct"] for r in expected["results"]]
    assert found["probes"] == expected["probes"] | {"eps": pytest.approx(8)}


@pytest.mark.slow
def test_a_killed_evaluation_goes_on_in_two_processes(
    advvid: CommandRunner, tmp_path: Path
) -> None:
    """SIGKILL, which no handler sees, in the middle of the clips."""
    arguments = [
        "--clips",
        "8",
        "--attack",
        "pgd:max_iter=25",
        "--eps",
        "1,8",
        "--batch-size",
        "2",
        "--device",
        "cpu",
        "--pictures",
        "0",
    ]
    whole = advvid("evaluate", *arguments, "--out", "whole")
    assert whole.code == 0, whole.err
    process = start_process(tmp_path, "evaluate", *arguments, "--out", "run")
    record = tmp_path / "run" / "parts" / "rank0.jsonl"
    # The fingerprint, the probes, and the first of four batches: clean and one attack.
    while process.poll() is None and (not record.exists() or record.read_bytes().count(b"\n") < 4):
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    done = run_process(
        tmp_path, "evaluate", *arguments, "--resume", "--devices", "2", "--out", "run"
    )
    assert done.code == 0, done.err
    found, expected = (
        json.loads((tmp_path / name / "results.json").read_text()) for name in ("run", "whole")
    )
    assert found["positions"] == expected["positions"] == list(range(8))
    for ours, theirs in zip(found["results"], expected["results"], strict=True):
        assert ours["correct"] == theirs["correct"]
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-5)


@pytest.mark.slow
def test_two_processes_give_what_one_gives(advvid: CommandRunner, tmp_path: Path) -> None:
    arguments = [*QUICK, "--clips", "7", "--batch-size", "2", "--device", "cpu"]
    one = advvid("evaluate", *arguments, "--out", "one")
    assert one.code == 0, one.err
    done = run_process(tmp_path, "evaluate", *arguments, "--devices", "2", "--out", "two")
    assert done.code == 0, done.err
    assert done.out.count("worst case, 8 bits") == 1
    found, expected = (
        json.loads((tmp_path / name / "results.json").read_text()) for name in ("two", "one")
    )
    assert found["positions"] == expected["positions"] == list(range(7))
    for ours, theirs in zip(found["results"], expected["results"], strict=True):
        assert ours["correct"] == theirs["correct"]
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-5)
        assert ours["gradients_per_clip"] == theirs["gradients_per_clip"]


@pytest.mark.slow
def test_all_processes_know_what_the_first_has_measured(tmp_path: Path) -> None:
    """Without a gradient both leave the same attacks out; one that did not would stop."""
    (tmp_path / "dead.py").write_text(
        "import torch\n\n\n"
        "class Dead(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.linear = torch.nn.Linear(3, 10)\n\n"
        "    def forward(self, clips):\n"
        "        return self.linear(clips.detach().mean(dim=(2, 3, 4)))\n\n\n"
        "def dead():\n"
        "    torch.manual_seed(0)\n"
        "    return Dead()\n"
    )
    done = run_process(
        tmp_path,
        *("evaluate", "--model", "dead:dead", "--clips", "40", "--batch-size", "8"),
        *("--attack", "pgd", "--attack", "square:queries=5", "--eps", "8", "--device", "cpu"),
        *("--pictures", "0", "--devices", "2", "--out", "run"),
    )
    assert done.code == 0, done.err
    found = json.loads((tmp_path / "run" / "results.json").read_text())
    assert found["attacks"] == ["square:queries=5"]
    assert found["about"]["left out"] == "pgd: no gradient"
    assert [alarm["name"] for alarm in found["alarms"]] == ["no gradient"]
