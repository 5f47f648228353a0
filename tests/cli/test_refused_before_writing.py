"""What cannot be done leaves no folder behind: the corrected command would find it taken."""

from pathlib import Path

import pytest

from tests.cli.run_command import CommandRunner

CLIPS = ("--data", "motions:16", "--device", "cpu", "--frames", "4", "--size", "16")
TOO_LARGE = ("--attack", "masked-pgd:size=100x100")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("attack", *CLIPS, *TOO_LARGE), "does not fit"),
        (("evaluate", *CLIPS, *TOO_LARGE, "--clips", "1", "--eps", "8"), "does not fit"),
        (("train", *CLIPS, *TOO_LARGE, "--defense", "at", "--epochs", "1"), "does not fit"),
        (("train", *CLIPS, "--augment", "crop:size=99", "--epochs", "1"), "crop"),
    ],
)
def test_no_folder_is_left(
    arguments: tuple[str, ...], message: str, tmp_path: Path, advvid: CommandRunner
) -> None:
    out = tmp_path / "run"
    done = advvid(*arguments, "--out", out)
    assert done.code == 2
    assert message in done.err.splitlines()[-1]
    assert not out.exists()
