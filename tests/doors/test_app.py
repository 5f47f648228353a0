"""What the command line is around its commands: version, completion, errors nobody foresaw."""

import os
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

import advvid
from advvid.attacks.registry import ATTACKS
from advvid.cli import app, catalogue
from advvid.cli.catalogue import check_data, check_method, check_model, check_options
from advvid.errors import InputError
from tests.cli.run_command import ROOT, CommandRunner


@pytest.fixture(name="run")
def _run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> CommandRunner:
    return CommandRunner(monkeypatch, capfd, tmp_path)


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "advvid", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_version_is_that_of_the_package(run: CommandRunner) -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    assert advvid.__version__ == config["metadata"]["version"]
    assert run("--version").out == f"advvid {advvid.__version__}\n"
    assert "version" not in tomllib.loads((ROOT / "pyproject.toml").read_text()).get("project", {})


def test_the_module_is_the_command() -> None:
    done = process("--help")
    assert done.returncode == 0
    assert "Usage: advvid " in done.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("advvid eval", "evaluate"),
        ("advvid evaluate --cond", "--condition"),
        ("advvid evaluate --attack masked", "masked-pgd"),
        ("advvid evaluate --attack qui", "quick"),
        ("advvid evaluate --target le", "least-likely"),
        ("advvid train --defense trad", "trades"),
        ("advvid attack --model motions", "motions-r3d"),
    ],
)
def test_bash_completes(words: str, found: str) -> None:
    done = process(
        _ADVVID_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(words.count(" "))
    )
    assert done.stdout.split() == [found]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyError("lost"), 1, "this is a defect of advvid, please report it: KeyError: 'lost'"),
        (RuntimeError("first\nsecond"), 1, "RuntimeError: first; --debug shows where"),
        (MemoryError(), 2, "there is not enough memory"),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (FileNotFoundError(2, "No such file", "a.mp4"), 2, "a.mp4: No such file"),
        (KeyboardInterrupt(), 130, "stopped"),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
    ],
)
def test_every_error_is_one_line(
    run: CommandRunner,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    told: str,
) -> None:
    def fail(**_: Any) -> None:
        raise error

    monkeypatch.setattr(app, "app", fail)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    done = run("datasets")
    assert done.code == code
    assert told in done.err
    assert len(done.err.splitlines()) == (1 if told else 0)


def test_a_disk_that_is_full_and_a_closed_output_are_told_without_a_traceback() -> None:
    for redirection, code in ((">/dev/full", 2), (">&-", 0), ("| head -1 >/dev/null", 0)):
        done = subprocess.run(
            ["sh", "-c", f"{sys.executable} -m advvid --version {redirection}"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) <= 1


TYPOS = [
    "evaluate --attack pdg",
    "evaluate --attack pgd:max_itr=3",
    "evaluate --attack pgd:max_iter=many",
    "evaluate --attack pgd:eps=0",
    "evaluate --attack art/NoSuch",
    "evaluate --eps 4;8",
    "attack --eps 0",
    "evaluate --condition samplig",
    "evaluate --model motion-r3d",
    "evaluate --model torchvision/r3d_81",
    "evaluate --data motoins",
    "evaluate --data folder:/no/such",
    "evaluate --split tset",
    "evaluate --precision fp61",
    "evaluate --device gpu0",
    "evaluate --weights missing.pt",
    "evaluate --sampling unform",
    "train --defense att",
    "train --defense at:epz=4",
    "train --epochs 0",
    "train --epochz 3",
    "train --augment flp",
    "sweep-step-size --alphas 0.1y",
    "sweep-step-size --loss cee",
    "attacks pdg",
    "reproduce table9",
]


def test_typos_are_told_before_torch_is_imported() -> None:
    check_method("attack", "pgd")  # from here on what is declared is remembered
    code = f"""
import sys
from advvid.cli.app import main
for line in {TYPOS!r}:
    sys.argv = ["advvid", *line.split()]
    try:
        main()
    except SystemExit as stop:
        print(stop.code, "torch" in sys.modules, line)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [f"2 False {line}" for line in TYPOS]
    assert len(done.stderr.splitlines()) == len(TYPOS)


@pytest.mark.parametrize(
    "text",
    [
        "pgd",
        "PGD:max_iter=3",
        "pgd:eps_step=0.2*eps+0.2/255,loss=cw",
        "masked-pgd:size=4x6,corner=0x0",
        "flickering:offsets=file.npz",
        "torchattacks/PGDL2:eps=2",
        "art/SimBA",
        "videolab.attacks:Mine:anything=3",
    ],
)
def test_what_may_be_right_is_let_pass(text: str) -> None:
    check_method("attack", text)


def test_other_options_that_may_be_right_are_let_pass() -> None:
    check_method("defense", "aat:attack=[pgd:max_iter=3]/masked-pgd,eps=8")
    check_method("condition", "sampling:kind=dense,clips=8")
    for model in ("r3d-18", "torchvision/r3d_18", "tsm/resnet50", "hf/mine", "a.b:c"):
        check_model(model)
    for data in ("motions", "motions:64", "folder:.", "a.b:c"):
        check_data(data)
    check_options("training", {"epochs": 3, "milestones": "0.5,0.75", "ema": None})
    with pytest.raises(InputError, match="epochs"):
        check_options("training", {"epochs": 0})


def test_a_cache_that_cannot_be_written_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    catalogue._catalogue.cache_clear()
    with pytest.raises(InputError, match="did you mean pgd"):
        check_method("attack", "pdg")
    assert (tmp_path / "file").is_file()
    catalogue._catalogue.cache_clear()


def test_what_is_remembered_is_what_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    catalogue._catalogue.cache_clear()
    collected = catalogue.methods("attack")
    catalogue._catalogue.cache_clear()
    assert len(list(tmp_path.rglob("methods-*.json"))) == 1
    remembered = catalogue.methods("attack")
    assert remembered.keys() == collected.keys()
    for name, entry in ATTACKS.items():
        known = remembered[name]
        assert known is not None
        assert list(known) == list(entry.settings())
        assert [one.about.range for one in known.values()] == [
            one.about.range for one in entry.settings().values()
        ]
