"""`advvid attacks` is quick: what it shows is remembered, and torch is not imported for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from advvid.cli import catalogue, listings
from tests.cli.run_command import CommandRunner

_WITHOUT_TORCH = """
import sys
from advvid.cli.app import main
sys.argv = ["advvid", "attacks", *sys.argv[1:]]
try:
    main()
finally:
    assert not {"torch", "art", "torchattacks"} & set(sys.modules), "imported"
"""


def test_the_second_time_nothing_is_imported(
    advvid: CommandRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # What this process knows already would not be remembered in that folder.
    catalogue._catalogue.cache_clear()
    first, named = advvid("attacks"), advvid("attacks", "masked-pgd")
    assert first.code == named.code == 0, first.err + named.err
    assert "art/PixelAttack" in first.out
    assert "share of the frame" in named.out

    def never() -> None:
        raise AssertionError("collected again")

    monkeypatch.setattr(listings, "_attack_facts", never)
    assert advvid("attacks").out == first.out
    for arguments, words in (((), "square"), (("masked-pgd",), "share of the frame")):
        command = [sys.executable, "-c", _WITHOUT_TORCH, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert words in done.stdout


def test_short_names_and_strangers_are_looked_up(advvid: CommandRunner) -> None:
    short = advvid("attacks", "art/PGD")
    assert short.code == 0, short.err
    assert "eps_step" in short.out
    stranger = advvid("attacks", "advvid.attacks:LinfPGD")
    assert stranger.code == 0, stranger.err
    assert "num_random_init" in stranger.out
