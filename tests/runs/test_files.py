import subprocess
import sys
from pathlib import Path

import pytest

from advvid.errors import InputError
from advvid.runs.files import leftovers, remove_leftovers, write_atomically, write_text
from advvid.runs.run_folder import RunFolder
from tests.runs.moments import content_of, watched

ROOT = Path(__file__).resolve().parents[2]
WRITE = """
import sys, time
from pathlib import Path
from advvid.runs.files import write_atomically
def write(path):
    path.write_text("half")
    print(path, flush=True)
    time.sleep(60)
write_atomically(Path(sys.argv[1]), write)
"""


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "a.txt").write_text("old")
    with watched(run, tmp_path / "copies") as moments:
        write_text(run / "a.txt", "new")
    assert len(moments) > 3
    assert {(moment / "a.txt").read_text() for moment in moments} <= {"old", "new"}
    assert content_of(run) == {"a.txt": b"new"}
    for moment in moments:
        remove_leftovers(moment)
        assert [path.name for path in moment.iterdir()] == ["a.txt"]


def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", WRITE, str(tmp_path / "a.txt")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    temporary = Path(other.stdout.readline().strip())
    assert temporary.parent == tmp_path
    remove_leftovers(tmp_path)
    assert temporary.exists()
    with pytest.raises(InputError, match="not empty"):
        RunFolder(tmp_path, "evaluate", {})
    other.kill()
    other.wait()
    assert leftovers(tmp_path) == [temporary]
    RunFolder(tmp_path, "evaluate", {})
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_files_of_the_user_are_never_removed(tmp_path: Path) -> None:
    names = (".advvid-notes", ".advvid-thesis.tex", ".config-abcdefgh.json", "a.txt", ".claim")
    for name in names:
        (tmp_path / name).write_text("mine")
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    with pytest.raises(InputError, match="not empty"):
        RunFolder(tmp_path, "evaluate", {})


def test_a_new_run_takes_a_folder_that_dead_ones_left(tmp_path: Path) -> None:
    with watched(tmp_path / "run", tmp_path / "copies") as moments:
        RunFolder(tmp_path / "run", "evaluate", {"eps": 8})
    begun = [moment for moment in moments if not (moment / "config.json").exists()]
    assert any(any(moment.iterdir()) for moment in begun)
    for moment in begun:
        RunFolder(moment, "evaluate", {"eps": 8})
        assert [path.name for path in moment.iterdir()] == ["config.json"]


def test_an_error_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    def full(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        write_atomically(tmp_path / "a.txt", full)
    assert list(tmp_path.iterdir()) == []
    write_text(tmp_path / "b.txt", "readable by others")
    assert (tmp_path / "b.txt").stat().st_mode & 0o444
