"""Every example of CONTRIBUTING.md is built from its text and used as the text says."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shlex import split
from typing import Any

import pytest
import torch

import advvid
from advvid.attacks import ATTACKS
from advvid.data import DATASETS, DatasetOptions
from advvid.data.video.writing import write_video
from advvid.defenses import Defense
from advvid.methods import Registry
from advvid.training import TrainSettings
from tests.cli.run_command import CommandRunner, Done
from tests.docs.documents import ROOT, blocks
from tests.docs.settings_tables import named

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
BLOCKS = blocks(CONTRIBUTING)
FILES = {b.info.partition("file=")[2]: b.text for b in BLOCKS if "file=" in b.info}
LINES = {b.info.partition("line=")[2]: b.text for b in BLOCKS if "line=" in b.info}
SMALL = ("--clips", "10", "--device", "cpu", "--out", "out")


@pytest.fixture(autouse=True)
def videolab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the package of the examples, from which commands are run."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "videolab"]:
        del sys.modules[name]


@pytest.fixture
def advvid_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    return CommandRunner(monkeypatch, capsys, tmp_path)


def commands(name: str) -> list[list[str]]:
    """The commands of the text that name a module of the examples."""
    lines = (line for block in BLOCKS if not block.info for line in block.text.splitlines())
    return [split(line)[1:] for line in lines if line.startswith("advvid ") and name in line]


def test_settings_and_promise_of_the_attack() -> None:
    attack = named("videolab.moving_pgd:MovingPGD")
    clips, labels = advvid.load_dataset("motions").sample(4, seed=0)
    classifier = advvid.VideoClassifier(advvid.load_model("motions-r3d"))
    made = attack(classifier, eps=8 / 255, max_iter=2, threshold=0.2, verbose=False)
    changed = (made.generate(clips, labels) - clips).abs().amax(dim=(1, 2))
    moves = (clips.amax(dim=2) - clips.amin(dim=2)).amax(dim=1) > 0.2
    assert changed.max() > 0
    assert (changed[~moves] == 0).all()
    with pytest.raises(advvid.InputError, match="threshold must be at least 0 and below 1"):
        attack(classifier, threshold=1.0)


@pytest.mark.slow
def test_the_attack_is_evaluated_by_its_path(advvid_command: Callable[..., Done]) -> None:
    (line,) = commands("moving_pgd")
    done = advvid_command(*line, *SMALL)
    assert done.code == 0, done.err
    assert "MovingPGD" in done.out


def test_lines_of_the_attack_fit_where_they_belong() -> None:
    registry = vars(importlib.import_module("advvid.attacks.registry"))
    registry |= {"MovingPGD": named("videolab.moving_pgd:MovingPGD")}
    ((name, entry),) = eval(f"{{{LINES['attacks/registry.py']}}}", dict(registry)).items()
    ((row, settings),) = eval(f"{{{LINES['tests/attacks/test_all_attacks.py']}}}").items()
    assert name == row
    assert isinstance(entry, type(ATTACKS["pgd"]))
    clips, labels = advvid.load_dataset("motions").sample(2, seed=0)
    classifier = advvid.VideoClassifier(advvid.load_model("motions-r3d"))
    made = entry.build(classifier, eps=4 / 255, verbose=False, **settings)
    assert made.attack_clips(clips, labels).clips.shape == clips.shape


@pytest.mark.slow
def test_the_defense_trains_by_its_path(advvid_command: Callable[..., Done]) -> None:
    (line,) = commands("flicker_training")
    done = advvid_command(*line, "--val-clips", "10", "--val-steps", "2", "--device", "cpu")
    assert done.code == 0, done.err
    assert "validation top-1" in done.out


def test_lines_of_the_defense_fit_where_they_belong() -> None:
    defense = named("videolab.flicker_training:FlickerTraining")
    names = {"FlickerTraining": defense}
    ((name, entry),) = eval(f"{{{LINES['defenses/registry.py']}}}", names).items()
    ((row, settings),) = eval(f"{{{LINES['tests/defenses/test_registry.py']}}}").items()
    assert name == row
    assert entry is defense
    assert issubclass(entry, Defense)
    prepared = entry(**settings).prepare(advvid.load_dataset("motions:64", split="train"))
    model = advvid.load_model("motions-r3d")
    history = advvid.train(
        model,
        prepared.data,
        task=prepared.task,
        settings=TrainSettings(epochs=1, batch_size=32),
        device="cpu",
    )
    assert history.epochs[0].train_top1 > 0.5
    with pytest.raises(advvid.InputError, match="eps must be above 0 and at most 1"):
        entry(eps=0.0)


def test_the_data_set_is_registered_and_read(
    videolab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tsv = named("videolab.tsv_videos:TSV")
    ((name, entry),) = eval(f"{{{LINES['advvid/data/registry.py']}}}", {"TSV": tsv}).items()
    registry = Registry("data set", {**DATASETS, name: entry})
    monkeypatch.setattr("advvid.data.registry.DATASETS", registry)
    for video in ("a", "b", "c"):
        write_video(videolab / f"{video}.mkv", torch.rand(3, 10, 40, 48))
    (videolab / "list.tsv").write_text("a.mkv\trun\ttrain\nb.mkv\tjump\ttest\nc.mkv\trun\ttest\n")
    data = advvid.load_dataset(f"{name}:list.tsv", split="test", frames=4, size=32)
    clips, labels = data.sample(2, seed=0)
    assert clips.shape == (2, 3, 4, 32, 32)
    assert data.classes == ("jump", "run")
    assert sorted(labels.tolist()) == [0, 1]
    assert len(tsv.build("list.tsv", DatasetOptions(split="train"))) == 1
    with pytest.raises(advvid.InputError, match="lists no video of the split val"):
        advvid.load_dataset("tsv:list.tsv", split="val")
    with pytest.raises(advvid.InputError, match="no such file: nowhere"):
        advvid.load_dataset("tsv:nowhere")


@pytest.mark.slow
def test_the_model_is_trained_and_attacked(advvid_command: Callable[..., Done]) -> None:
    train, evaluate = commands("frame_average")
    train[train.index("--data") + 1] = "motions:64"
    done = advvid_command(*train, "--device", "cpu")
    assert done.code == 0, done.err
    done = advvid_command(*evaluate, *SMALL, "--eps", "4", "--attack", "pgd:max_iter=2")
    assert done.code == 0, done.err
    assert "pgd:max_iter=2" in done.out


def test_costs_are_those_of_the_examples() -> None:
    table = CONTRIBUTING.read_text(encoding="utf-8").partition("## What a newcomer costs")[2]
    told: dict[str, Any] = dict(
        re.findall(r"^\| .*?`(\w+\.py)`.*?\| (\d+) lines", table, re.MULTILINE)
    )
    assert told == {Path(name).name: str(text.count("\n")) for name, text in FILES.items()}
